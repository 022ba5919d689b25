package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@link QuantKernel} on the Vector API, for BF16 and F32 values and the formats of {@link QuantKernels#isVectorized}.
 *
 * <p>It works in chunks that fit in the first-level cache. The flat loops of {@link QuantLanes} run over a scratch array of
 * words. Values and codes are read and written in place, or through scratch arrays if a chunk is not whole vectors or not on
 * the heap. Scales are repeated along the chunk, so the loops need no rows. No lane is masked: lanes beyond the values work on
 * old scratch data, and their results are ignored.
 */
final class VectorQuantKernel implements QuantKernel {
    /** Minimum number of values of a chunk: about 23 KB of scratch memory and scales. */
    private static final int CHUNK = 1024;

    private final boolean wide;
    private final int width;
    private final int valueBytes;
    private final int rowsOfChunk;
    private final float[] scale;
    private final float[] zeroPoint;
    /** Those of even columns, then those of odd ones from {@link #odd} on. */
    private final float[] pairScale;

    private final float[] pairZero;
    private final int odd;
    private final int[] words;
    private final byte[] halves;
    private final byte[] bytes;
    private final Stage[] toCodes;
    private final Stage[] fromCodes;

    VectorQuantKernel(QuantSpec spec) {
        wide = spec.dtype() == Dtype.F32;
        width = spec.width();
        valueBytes = spec.dtype().bytes();
        rowsOfChunk = Math.max(1, CHUNK / width);
        int length = PairLanes.whole(rowsOfChunk * width);
        odd = length / 2;
        scale = new float[length];
        zeroPoint = new float[length];
        pairScale = new float[length];
        pairZero = new float[length];
        for (int i = 0; i < length; i++) {
            scale[i] = spec.scale()[i % width];
            zeroPoint[i] = spec.zeroPoint()[i % width];
            int half = i / 2 + i % 2 * odd;
            pairScale[half] = scale[i];
            pairZero[half] = zeroPoint[i];
        }
        words = new int[length];
        halves = new byte[wide ? 0 : Short.BYTES * length];
        bytes = new byte[length];

        boolean fp8 = spec.format() == NumberFormat.FP8_E4M3;
        if (isPaired(spec)) {
            if (fp8 && QuantLanes.areFastest()) {
                toCodes = new Stage[] {
                    (values, v, codes, c, count) -> QuantLanes.widenAndShift(values, v, words, count, scale, zeroPoint),
                    (values, v, codes, c, count) -> QuantLanes.toE4m3(words, count, codes, c)
                };
            } else if (fp8) {
                toCodes = new Stage[] {
                    (values, v, codes, c, count) -> PairLanes.shift(values, v, words, count, pairScale, pairZero, odd),
                    (values, v, codes, c, count) -> PairLanes.toE4m3(words, words.length),
                    (values, v, codes, c, count) -> PairLanes.pack(words, codes, c, count, odd)
                };
            } else {
                toCodes = new Stage[] {
                    (values, v, codes, c, count) -> PairLanes.shift(values, v, words, count, pairScale, pairZero, odd),
                    (values, v, codes, c, count) -> PairLanes.toInt8(words, codes, c, count, odd)
                };
            }
            fromCodes = fp8
                    ? new Stage[] {
                        (values, v, codes, c, count) -> PairLanes.fromE4m3(codes, c, values, v, count),
                        (values, v, codes, c, count) -> PairLanes.unshift(values, v, count, pairScale, pairZero, odd)
                    }
                    : new Stage[] {
                        (values, v, codes, c, count) ->
                                PairLanes.fromInt8(codes, c, values, v, count, pairScale, pairZero, odd)
                    };
            return;
        }
        // The bits that the rounding of a step drops.
        int dropped = spec.step() == Dtype.F32 ? 0 : 0xffff;
        Stage nothing = (values, v, codes, c, count) -> {};
        toCodes = new Stage[] {
            wide ? nothing : (values, v, codes, c, count) -> QuantLanes.widen(values, v, words, count),
            (values, v, codes, c, count) -> QuantLanes.shift(words, count, scale, zeroPoint, dropped),
            fp8
                    ? (values, v, codes, c, count) -> QuantLanes.toE4m3(words, count, codes, c)
                    : (values, v, codes, c, count) -> QuantLanes.toInt8(words, count, codes, c)
        };
        fromCodes = new Stage[] {
            fp8
                    ? (values, v, codes, c, count) -> QuantLanes.fromE4m3(codes, c, count, words)
                    : (values, v, codes, c, count) -> QuantLanes.fromInt8(codes, c, count, words),
            (values, v, codes, c, count) -> QuantLanes.unshift(words, count, scale, zeroPoint, dropped),
            wide ? nothing : (values, v, codes, c, count) -> QuantLanes.narrow(words, values, v, count)
        };
    }

    /** Whether {@link PairLanes} has the loops: for the most common types, BF16 values and F32 steps. */
    static boolean isPaired(QuantSpec spec) {
        return spec.dtype() == Dtype.BF16 && spec.step() == Dtype.F32;
    }

    /** One loop over halves from {@code values[v]}, codes from {@code codes[c]} and the first words. */
    private interface Stage {
        void run(byte[] values, int v, byte[] codes, int c, int count);
    }

    /**
     * The only call site of all stages. It sees at least three of them, so the JIT does not inline them. Inlined into one
     * large body, the loops would allocate their vectors, at a quarter of the speed.
     */
    private static void run(Stage[] stages, byte[] values, int v, byte[] codes, int c, int count) {
        for (Stage stage : stages) {
            stage.run(values, v, codes, c, count);
        }
    }

    @Override
    public void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at) {
        for (int row = 0; row < rows; row += rowsOfChunk) {
            int count = Math.min(rowsOfChunk, rows - row) * width;
            int from = offset + row * width * valueBytes;
            int to = at + row * width;
            boolean inPlace = count == PairLanes.whole(count);
            boolean read = inPlace && !wide && values.hasArray();
            if (wide) {
                little(values, from).asIntBuffer().get(words, 0, count);
            } else if (!read) {
                values.get(from, halves, 0, Short.BYTES * count);
            }
            run(
                    toCodes,
                    read ? values.array() : halves,
                    read ? values.arrayOffset() + from : 0,
                    inPlace ? codes : bytes,
                    inPlace ? to : 0,
                    count);
            if (!inPlace) {
                System.arraycopy(bytes, 0, codes, to, count);
            }
        }
    }

    @Override
    public void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset) {
        for (int row = 0; row < rows; row += rowsOfChunk) {
            int count = Math.min(rowsOfChunk, rows - row) * width;
            int from = at + row * width;
            int to = offset + row * width * valueBytes;
            boolean inPlace = count == PairLanes.whole(count);
            boolean written = inPlace && !wide && values.hasArray();
            if (!inPlace) {
                System.arraycopy(codes, from, bytes, 0, count);
            }
            run(
                    fromCodes,
                    written ? values.array() : halves,
                    written ? values.arrayOffset() + to : 0,
                    inPlace ? codes : bytes,
                    inPlace ? from : 0,
                    count);
            if (wide) {
                little(values, to).asIntBuffer().put(words, 0, count);
            } else if (!written) {
                values.put(to, halves, 0, Short.BYTES * count);
            }
        }
    }

    private static ByteBuffer little(ByteBuffer values, int offset) {
        return values.duplicate().position(offset).order(ByteOrder.LITTLE_ENDIAN);
    }
}
