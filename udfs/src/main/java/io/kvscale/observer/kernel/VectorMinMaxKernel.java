package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;

/** The min/max kernel on the Vector API; loaded only if its module is present. */
final class VectorMinMaxKernel implements MinMaxKernel {
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
        if (!ShortTiles.fold(data, offset, width, rows, min, max, at)) {
            scalar.fold16(data, offset, width, rows, min, max, at);
        }
    }

    @Override
    public void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at) {
        if (!IntTiles.fold(data, offset, width, rows, min, max, at)) {
            scalar.fold32(data, offset, width, rows, min, max, at);
        }
    }
}
