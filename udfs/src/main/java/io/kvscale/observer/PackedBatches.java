package io.kvscale.observer;

import io.kvscale.tensor.Geometry;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The ranges of single batches as they travel between tasks: each file is named once, not once for each slot. A batch of one range of
 * 16-bit values takes 6 bytes where files follow each other and have one layout, a sixth of its place in a statistics file.
 *
 * <pre>
 *  packed:   u32 files, then: string file
 *            | u32 slots, then: u32 index of the slot | u32 channels per range | u8 last only | u32 batches, then in order of
 *            the corpus: zigzag file | zigzag offset | min of every range | max of every range
 *
 *  zigzag:   varint of the difference to the number before: 0, -1, 1, -2 are 0, 1, 2, 3
 * </pre>
 */
final class PackedBatches {
    private static final int MIN_BATCH_BYTES = 2;

    private final String[] files;

    private PackedBatches(String[] files) {
        this.files = files;
    }

    static void write(List<SlotStatistics> all, ByteArrayOutputStream out) {
        Map<String, Integer> numbers = new LinkedHashMap<>();
        int slots = 0;
        for (SlotStatistics slot : all) {
            BatchRanges batches = slot.batches;
            slots += batches == null ? 0 : 1;
            for (int batch = 0; batches != null && batch < batches.size(); batch++) {
                numbers.putIfAbsent(batches.file(batch), numbers.size());
            }
        }
        int32(out, numbers.size());
        for (String file : numbers.keySet()) {
            byte[] name = file.getBytes(StandardCharsets.UTF_8);
            int32(out, name.length);
            out.writeBytes(name);
        }
        int32(out, slots);
        for (int i = 0; i < all.size(); i++) {
            BatchRanges batches = all.get(i).batches;
            if (batches != null) {
                int32(out, i);
                write(batches, numbers, out);
            }
        }
    }

    private static void write(BatchRanges batches, Map<String, Integer> numbers, ByteArrayOutputStream out) {
        int32(out, batches.policy.channelsPerScale());
        out.write(batches.policy.lastOnly() ? 1 : 0);
        int32(out, batches.size());
        long lastFile = 0;
        long lastOffset = 0;
        for (int batch = 0; batch < batches.size(); batch++) {
            long file = numbers.getOrDefault(batches.file(batch), 0);
            zigzag(out, file - lastFile);
            zigzag(out, batches.offset(batch) - lastOffset);
            batches.writePatterns(batch, out);
            lastFile = file;
            lastOffset = batches.offset(batch);
        }
    }

    /** Reads the names of the files. Then the slots follow. */
    static PackedBatches read(SectionCursor in) {
        String[] files = new String[in.count(Integer.BYTES)];
        for (int i = 0; i < files.length; i++) {
            files[i] = in.string();
        }
        return new PackedBatches(files);
    }

    /** Reads the batches of a slot. */
    BatchRanges batches(SectionCursor in, Geometry geometry) {
        BatchRanges batches = in.noBatches(geometry);
        int count = in.count(MIN_BATCH_BYTES);
        long file = 0;
        long offset = 0;
        for (int batch = 0; batch < count; batch++) {
            file += zigzag(in);
            offset += zigzag(in);
            if (file < 0 || file >= files.length || offset < 0) {
                throw SectionCursor.damaged(
                        "a batch is in file " + file + " of " + files.length + " at byte " + offset);
            }
            batches.addNext(files[(int) file], offset, in.ranges(geometry.dtype(), batches.width));
        }
        batches.checkSize(count);
        return batches;
    }

    private static long zigzag(SectionCursor in) {
        long number = in.varint();
        return number >>> 1 ^ -(number & 1);
    }

    private static void zigzag(ByteArrayOutputStream out, long number) {
        long rest = number << 1 ^ number >> Long.SIZE - 1;
        while (rest >>> 7 != 0) {
            out.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    private static void int32(ByteArrayOutputStream out, int number) {
        out.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array());
    }
}
