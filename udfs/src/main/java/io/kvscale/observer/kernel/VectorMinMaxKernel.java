package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;

/** The min/max kernel on the Vector API; loaded only if its module is present. */
final class VectorMinMaxKernel implements MinMaxKernel {
    /** Bytes of a copy, unless a row has more. */
    private static final int CHUNK = 1 << 14;

    /** Allocating copies for a few rows at a time would take as long as folding them. */
    private static final ThreadLocal<Copy> COPY = ThreadLocal.withInitial(() -> Copy.of(CHUNK));

    private final MinMaxKernel scalar = new ScalarMinMaxKernel();

    /** Links all classes of the kernel, so that an incompatible JDK fails here, when the kernel is chosen. */
    VectorMinMaxKernel() {
        Object none = Copy.of(0).view;
        ShortTiles.fold(none, 0, 1, 0, new short[1], new short[1], 0);
        IntTiles.fold(none, 0, 1, 0, new int[1], new int[1], 0);
    }

    @Override
    public void fold16(ByteBuffer data, int offset, int width, int rows, short[] min, short[] max, int at) {
        chunks(data, offset, Short.BYTES * width, rows, (values, view, from, count) -> {
            if (!ShortTiles.fold(view, from, width, count, min, max, at)) {
                scalar.fold16(values, from, width, count, min, max, at);
            }
        });
    }

    @Override
    public void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at) {
        chunks(data, offset, Integer.BYTES * width, rows, (values, view, from, count) -> {
            if (!IntTiles.fold(view, from, width, count, min, max, at)) {
                scalar.fold32(values, from, width, count, min, max, at);
            }
        });
    }

    /** Folds rows of a buffer, given with its {@linkplain VectorLoads#view view}. */
    interface Rows {
        void fold(ByteBuffer values, Object view, int offset, int rows);
    }

    private record Copy(ByteBuffer values, Object view) {
        static Copy of(int bytes) {
            ByteBuffer values = VectorLoads.allocate(bytes);
            return new Copy(values, VectorLoads.view(values));
        }
    }

    /** Passes on all rows at once, or in copies that fit in the first-level cache. */
    static void chunks(ByteBuffer data, int offset, int stride, int rows, Rows fold) {
        if (VectorLoads.isLoadable(data)) {
            fold.fold(data, VectorLoads.view(data), offset, rows);
            return;
        }
        Copy copy = COPY.get();
        if (copy.values.capacity() < stride) {
            copy = Copy.of(stride);
            COPY.set(copy);
        }
        int most = Math.min(rows, copy.values.capacity() / stride);
        for (int row = 0; row < rows; row += most) {
            int count = Math.min(most, rows - row);
            copy.values.put(0, data, offset + row * stride, count * stride);
            fold.fold(copy.values, copy.view, 0, count);
        }
    }
}
