package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;

/** The min/max kernel on the Vector API; loaded only if its module is present. */
final class VectorMinMaxKernel implements MinMaxKernel {
    /** Bytes of a copy. */
    private static final int CHUNK = 1 << 14;

    /** Allocating copies for a few rows at a time would take as long as folding them. */
    private static final ThreadLocal<ByteBuffer> COPY = ThreadLocal.withInitial(() -> ByteBuffer.allocate(CHUNK));

    private final MinMaxKernel scalar = new ScalarMinMaxKernel();

    /** Links all classes of the kernel, so that an incompatible JDK fails here, when the kernel is chosen. */
    VectorMinMaxKernel() {
        ByteBuffer none = ByteBuffer.allocate(0);
        ShortTiles.fold(none, 0, 1, 0, new short[1], new short[1], 0);
        IntTiles.fold(none, 0, 1, 0, new int[1], new int[1], 0);
        VectorLoads.view(none);
    }

    @Override
    public void fold16(ByteBuffer data, int offset, int width, int rows, short[] min, short[] max, int at) {
        chunks(data, offset, Short.BYTES * width, rows, (values, from, count) -> {
            if (!ShortTiles.fold(values, from, width, count, min, max, at)) {
                scalar.fold16(values, from, width, count, min, max, at);
            }
        });
    }

    @Override
    public void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at) {
        chunks(data, offset, Integer.BYTES * width, rows, (values, from, count) -> {
            if (!IntTiles.fold(values, from, width, count, min, max, at)) {
                scalar.fold32(values, from, width, count, min, max, at);
            }
        });
    }

    /** Folds rows of a buffer that {@link VectorLoads} can view. */
    private interface Rows {
        void fold(ByteBuffer values, int offset, int rows);
    }

    /** Passes on all rows at once, or in copies that fit in the first-level cache. */
    private static void chunks(ByteBuffer data, int offset, int stride, int rows, Rows fold) {
        if (!VectorLoads.FROM_ARRAY) {
            fold.fold(data, offset, rows);
            return;
        }
        int most = Math.min(rows, Math.max(1, CHUNK / stride));
        ByteBuffer copy = most * stride <= CHUNK ? COPY.get() : ByteBuffer.allocate(most * stride);
        for (int row = 0; row < rows; row += most) {
            int count = Math.min(most, rows - row);
            data.get(offset + row * stride, copy.array(), 0, count * stride);
            fold.fold(copy, 0, count);
        }
    }
}
