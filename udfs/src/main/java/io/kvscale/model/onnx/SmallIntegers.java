package io.kvscale.model.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/** The first integers of a constant: enough for one number per axis of a tensor. */
final class SmallIntegers {
    /** More than any tensor of a decoder has axes. */
    static final int MAX = 32;

    static final int MAX_BYTES = MAX * Long.BYTES;

    // TensorProto.DataType
    private static final int INT32 = 6;
    private static final int INT64 = 7;

    private final List<Long> values = new ArrayList<>();

    void add(long value) {
        if (values.size() < MAX) {
            values.add(value);
        }
    }

    void addAll(SmallIntegers other) {
        other.values.forEach(this::add);
    }

    /** @param raw little-endian values; ignored unless the type is int32 or int64 */
    void addRaw(int type, byte[] raw) {
        ByteBuffer bytes = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
        while (type == INT64 && bytes.remaining() >= Long.BYTES) {
            add(bytes.getLong());
        }
        while (type == INT32 && bytes.remaining() >= Integer.BYTES) {
            add(bytes.getInt());
        }
    }

    /** Whether the values are the numbers from 0 on, each once. */
    boolean isPermutation() {
        return values.stream()
                .sorted()
                .toList()
                .equals(LongStream.range(0, values.size()).boxed().toList());
    }

    @Override
    public String toString() {
        return values.toString();
    }

    /** The first value outside {@code -MAX..MAX-1}; 0 if there is none. */
    long firstBeyond() {
        return values.stream().filter(v -> v < -MAX || v >= MAX).findFirst().orElse(0L);
    }
}
