package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the fields of {@link StatisticsFormat} from untrusted bytes. Checks every length before it allocates. */
final class SectionCursor {
    private final ByteBuffer in;

    SectionCursor(ByteBuffer in) {
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A cursor over the next {@code length} bytes; this cursor skips them. */
    SectionCursor section(long length) {
        need(length);
        SectionCursor section = new SectionCursor(in.slice(in.position(), (int) length));
        in.position(in.position() + (int) length);
        return section;
    }

    byte[] bytes(long length) {
        need(length);
        byte[] bytes = new byte[(int) length];
        in.get(bytes);
        return bytes;
    }

    int u8() {
        need(1);
        return in.get() & 0xff;
    }

    int u16() {
        need(2);
        return in.getShort() & 0xffff;
    }

    int i32() {
        need(4);
        return in.getInt();
    }

    double f64() {
        need(8);
        return in.getDouble();
    }

    /** A u64 of at most 2^63 - 1. */
    long count() {
        need(8);
        long count = in.getLong();
        if (count < 0) {
            throw damaged("a count is above 2^63 - 1");
        }
        return count;
    }

    /** A u32 count of items of at least {@code minBytes} each. */
    int count(int minBytes) {
        return checkCount(i32(), minBytes);
    }

    /** Checks that {@code count} items of at least {@code minBytes} each can follow, and returns the count. */
    int checkCount(int count, int minBytes) {
        if (count < 0 || (long) count * minBytes > in.remaining()) {
            throw damaged("a count needs more than the " + in.remaining() + " bytes that remain");
        }
        return count;
    }

    boolean flag() {
        int flag = u8();
        if (flag > 1) {
            throw damaged("a flag is " + flag + ", expected 0 or 1");
        }
        return flag == 1;
    }

    String string() {
        byte[] bytes = bytes(count(1));
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw damaged("a name is not UTF-8");
        }
    }

    @Nullable
    Sample sample() {
        return flag() ? new Sample(string(), i32()) : null;
    }

    @Nullable
    Origin origin() {
        return flag() ? new Origin(sample(), string()) : null;
    }

    /** A number in 7 bits a byte, least significant first; at most 64 bits. */
    long varint() {
        long number = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int next = u8();
            number |= (long) (next & 0x7f) << shift;
            if (next < 0x80) {
                return number;
            }
        }
        throw damaged("a number has more than 64 bits");
    }

    /** Batch ranges without batches: u32 channels per range, u8 last only. */
    BatchRanges noBatches(Geometry geometry) {
        int perScale = i32();
        if (perScale < 1 || geometry.channels() % perScale != 0) {
            throw damaged(
                    "batch ranges of " + perScale + " channels do not divide " + geometry.channels() + " channels");
        }
        return new BatchRanges(new BatchPolicy(perScale, flag()), geometry.dtype(), geometry.channels() / perScale);
    }

    /** The ranges of {@code channels} channels; each must be empty or finite. */
    ChannelRanges ranges(Dtype dtype, int channels) {
        need(2L * channels * dtype.bytes());
        ChannelRanges ranges = new ChannelRanges(dtype, channels);
        for (int[] keys : new int[][] {ranges.min, ranges.max}) {
            for (int c = 0; c < channels; c++) {
                keys[c] = dtype.orderKey(dtype.bytes() == 4 ? i32() : u16());
            }
        }
        for (int c = 0; c < channels; c++) {
            boolean empty = ranges.min[c] == dtype.infinityKey() && ranges.max[c] == dtype.negativeInfinityKey();
            boolean finite = ranges.min[c] > dtype.negativeInfinityKey()
                    && ranges.max[c] < dtype.infinityKey()
                    && ranges.min[c] <= ranges.max[c];
            if (!empty && !finite) {
                throw damaged("the range of channel " + c + " is neither empty nor finite");
            }
        }
        return ranges;
    }

    void end() {
        if (in.hasRemaining()) {
            throw damaged(in.remaining() + " bytes too many");
        }
    }

    private void need(long bytes) {
        if (bytes > in.remaining()) {
            throw damaged("cut short: " + bytes + " bytes expected, " + in.remaining() + " left");
        }
    }

    static InvalidDataException damaged(String what) {
        return new InvalidDataException(DataProblem.of(
                "damaged statistics: " + what, "take an undamaged copy, or run calibrate again on the corpus"));
    }
}
