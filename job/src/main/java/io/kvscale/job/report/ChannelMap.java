package io.kvscale.job.report;

import java.util.Base64;
import java.util.List;

/**
 * Encodes the maximum |x| of every channel as little-endian BF16 in Base64. BF16 data is exact, other data is rounded. For a
 * model with too many channels, the maximum of several neighboring channels is encoded.
 */
final class ChannelMap {
    /** Maximum size of all slots together in bytes, before Base64. */
    static final int BUDGET = 440_000;

    /** The code of a channel without finite values. */
    private static final int NAN = 0x7fc0;

    private static final int GREATEST_FINITE = 0x7f7f;

    private ChannelMap() {}

    /** The number of neighboring channels of a head to combine, so that all slots fit into the budget. */
    static int pooled(List<ReportedSlot> slots) {
        int pool = 1;
        while (bytes(slots, pool) > BUDGET && pool < 1 << 17) {
            pool *= 2;
        }
        return pool;
    }

    private static long bytes(List<ReportedSlot> slots, int pool) {
        return slots.stream()
                .mapToLong(slot -> 2L * slot.heads() * columns(slot, pool))
                .sum();
    }

    private static int columns(ReportedSlot slot, int pool) {
        return (slot.headDim() + pool - 1) / pool;
    }

    static String encode(ReportedSlot slot, int pool) {
        int columns = columns(slot, pool);
        byte[] bytes = new byte[2 * slot.heads() * columns];
        for (int head = 0; head < slot.heads(); head++) {
            for (int column = 0; column < columns; column++) {
                int from = column * pool;
                int bits = bits(greatest(slot, head, from, Math.min(from + pool, slot.headDim())));
                int at = 2 * (head * columns + column);
                bytes[at] = (byte) bits;
                bytes[at + 1] = (byte) (bits >>> 8);
            }
        }
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static float greatest(ReportedSlot slot, int head, int from, int to) {
        float greatest = Float.NaN;
        for (int c = head * slot.headDim() + from; c < head * slot.headDim() + to; c++) {
            greatest = Float.isNaN(greatest) || slot.channels()[c] > greatest ? slot.channels()[c] : greatest;
        }
        return greatest;
    }

    private static int bits(float x) {
        if (Float.isNaN(x)) {
            return NAN;
        }
        int bits = Float.floatToRawIntBits(x);
        return Math.min((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16, GREATEST_FINITE);
    }
}
