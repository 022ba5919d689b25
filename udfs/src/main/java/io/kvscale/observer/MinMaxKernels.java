package io.kvscale.observer;

/** Holds the min/max kernel of this JVM, chosen at the first use. */
final class MinMaxKernels {
    private static final MinMaxKernel CHOSEN =
            KernelChoice.ofThisJvm().choose(() -> new VectorMinMaxKernel(), () -> new ScalarMinMaxKernel());

    private MinMaxKernels() {}

    static MinMaxKernel chosen() {
        return CHOSEN;
    }
}
