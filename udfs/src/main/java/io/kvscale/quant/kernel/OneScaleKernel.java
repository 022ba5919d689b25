package io.kvscale.quant.kernel;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** {@link QuantKernel} with the loops of {@link OneScaleLanes}, in chunks that fit in the first-level cache. */
final class OneScaleKernel implements QuantKernel {
    /** Values of a chunk: whole vectors of any width. */
    private static final int CHUNK = 1024;

    private final QuantSpec spec;
    private final OneScaleLanes lanes;
    private final int[] sums = new int[CHUNK];
    private final short[] magics = new short[CHUNK];
    private final byte[] halves = new byte[Short.BYTES * CHUNK];
    private final byte[] bytes = new byte[CHUNK];
    private @Nullable QuantKernel back;

    /** @param spec {@linkplain OneScaleLanes#fit fits} the loops */
    OneScaleKernel(QuantSpec spec) {
        this.spec = spec;
        this.lanes = OneScaleLanes.of(spec.scale()[0]);
    }

    @Override
    public void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at) {
        run(values, offset, rows * spec.width(), codes, at, null, 0);
    }

    @Override
    public void fakeQuantize(ByteBuffer values, int offset, int rows, byte[] codes, int at, ByteBuffer result, int to) {
        run(values, offset, rows * spec.width(), codes, at, result, to);
    }

    private void run(
            ByteBuffer values, int offset, int count, byte[] codes, int at, @Nullable ByteBuffer result, int to) {
        for (int i = 0; i < count; i += CHUNK) {
            int n = Math.min(CHUNK, count - i);
            int from = offset + Short.BYTES * i;
            int into = to + Short.BYTES * i;
            boolean inPlace = n == PairLanes.whole(n);
            if (inPlace && values.hasArray()) {
                lanes.sum(values.array(), values.arrayOffset() + from, n, sums, magics);
            } else {
                values.get(from, halves, 0, Short.BYTES * n);
                lanes.sum(halves, 0, n, sums, magics);
            }
            boolean written = inPlace && result != null && result.hasArray();
            lanes.finish(
                    sums,
                    magics,
                    n,
                    inPlace ? codes : bytes,
                    inPlace ? at + i : 0,
                    written && result != null ? result.array() : halves,
                    written && result != null ? result.arrayOffset() + into : 0);
            if (!inPlace) {
                System.arraycopy(bytes, 0, codes, at + i, n);
            }
            if (!written && result != null) {
                result.put(into, halves, 0, Short.BYTES * n);
            }
        }
    }

    @Override
    public void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset) {
        if (back == null) {
            back = new VectorQuantKernel(spec);
        }
        back.dequantize(codes, at, rows, values, offset);
    }
}
