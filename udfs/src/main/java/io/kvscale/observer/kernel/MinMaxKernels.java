package io.kvscale.observer.kernel;

/** Holds the min/max kernel of this JVM, chosen on first use. */
public final class MinMaxKernels {
    private static final MinMaxKernel CHOSEN =
            KernelChoice.ofThisJvm().choose(() -> new VectorMinMaxKernel(), () -> new ScalarMinMaxKernel());

    private MinMaxKernels() {}

    public static MinMaxKernel chosen() {
        return CHOSEN;
    }
}
