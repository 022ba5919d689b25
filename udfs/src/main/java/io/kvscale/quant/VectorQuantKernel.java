package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@link QuantKernel} on the Vector API, for BF16 and F32 values and the formats of {@link QuantKernels#isVectorized}.
 *
 * <p>Works in chunks that stay in the first-level cache: bits into a scratch array, the flat loops of
 * {@link QuantLanes} over it, codes out. The scales are laid out along the chunk once, so that the loops know
 * nothing of rows, and scratch arrays are whole vectors long, so that no lane is masked: lanes beyond the values work
 * on what an earlier chunk left there, and nobody looks at them.
 */
final class VectorQuantKernel implements QuantKernel {
    /** Values of a chunk, at least: about 15 KB of scratch memory and scales. */
    private static final int CHUNK = 1024;

    private final boolean wide;
    private final int width;
    private final int rowsOfChunk;
    private final float[] scale;
    private final float[] zeroPoint;
    private final int[] words;
    private final short[] halves;
    private final byte[] bytes;
    private final Stage[] toCodes;
    private final Stage[] fromCodes;

    VectorQuantKernel(QuantSpec spec) {
        wide = spec.dtype() == Dtype.F32;
        width = spec.width();
        rowsOfChunk = Math.max(1, CHUNK / width);
        int length = QuantLanes.whole(rowsOfChunk * width);
        scale = new float[length];
        zeroPoint = new float[length];
        for (int i = 0; i < length; i++) {
            scale[i] = spec.scale()[i % width];
            zeroPoint[i] = spec.zeroPoint()[i % width];
        }
        words = new int[length];
        halves = new short[wide ? 0 : length];
        bytes = new byte[length];

        boolean fp8 = spec.format() == NumberFormat.FP8_E4M3;
        // The bits that a step's rounding drops.
        int dropped = spec.step() == Dtype.F32 ? 0 : 0xffff;
        Stage nothing = count -> {};
        toCodes = new Stage[] {
            wide ? nothing : count -> QuantLanes.widen(halves, words, count),
            count -> QuantLanes.shift(words, count, scale, zeroPoint, dropped),
            fp8 ? count -> QuantLanes.toE4m3(words, count, bytes) : count -> QuantLanes.toInt8(words, count, bytes)
        };
        fromCodes = new Stage[] {
            fp8 ? count -> QuantLanes.fromE4m3(bytes, count, words) : count -> QuantLanes.fromInt8(bytes, count, words),
            count -> QuantLanes.unshift(words, count, scale, zeroPoint, dropped),
            wide ? nothing : count -> QuantLanes.narrow(words, halves, count)
        };
    }

    /** One loop over the first values of the scratch arrays. */
    private interface Stage {
        void run(int count);
    }

    /**
     * The one call site of all stages, on purpose: it sees at least three of them, so the JIT calls each, compiled by
     * itself. Inlined into one large body, the same loops allocate their vectors, at a quarter of the speed.
     */
    private static void run(Stage[] stages, int count) {
        for (Stage stage : stages) {
            stage.run(count);
        }
    }

    /** Whether this machine's vectors will do; a LinkageError where the Vector API is not the one of the build. */
    static boolean isSupported() {
        return QuantLanes.isSupported();
    }

    @Override
    public void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at) {
        ByteBuffer from = little(values, offset);
        for (int row = 0; row < rows; row += rowsOfChunk) {
            int count = Math.min(rowsOfChunk, rows - row) * width;
            if (wide) {
                from.asIntBuffer().get(words, 0, count);
            } else {
                from.asShortBuffer().get(halves, 0, count);
            }
            from.position(from.position() + count * (wide ? Integer.BYTES : Short.BYTES));
            run(toCodes, count);
            System.arraycopy(bytes, 0, codes, at + row * width, count);
        }
    }

    @Override
    public void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset) {
        ByteBuffer to = little(values, offset);
        for (int row = 0; row < rows; row += rowsOfChunk) {
            int count = Math.min(rowsOfChunk, rows - row) * width;
            System.arraycopy(codes, at + row * width, bytes, 0, count);
            run(fromCodes, count);
            if (wide) {
                to.asIntBuffer().put(words, 0, count);
            } else {
                to.asShortBuffer().put(halves, 0, count);
            }
            to.position(to.position() + count * (wide ? Integer.BYTES : Short.BYTES));
        }
    }

    private static ByteBuffer little(ByteBuffer values, int offset) {
        return values.duplicate().position(offset).order(ByteOrder.LITTLE_ENDIAN);
    }
}
