package io.kvscale.observer.kernel;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether this JVM runs the vector or the scalar implementation of a kernel.
 *
 * @param forced the value of {@link #PROPERTY}: {@code vector} (an error if it cannot run) or {@code scalar}; null for
 *     vector where it runs well, else scalar
 * @param vmInfo the system property {@code java.vm.info}
 */
public record KernelChoice(@Nullable String forced, String vmInfo) {
    /** The system property that forces a choice. */
    public static final String PROPERTY = "kvscale.kernel";

    public KernelChoice {
        if (forced != null && !forced.equals("vector") && !forced.equals("scalar")) {
            throw new IllegalArgumentException(PROPERTY + " must be vector or scalar, got " + forced);
        }
    }

    public static KernelChoice ofThisJvm() {
        return new KernelChoice(System.getProperty(PROPERTY), System.getProperty("java.vm.info", ""));
    }

    /** The implementation that this JVM runs: {@code vector} or {@code scalar}. */
    public static String inUse() {
        return MinMaxKernel.OF_THIS_JVM instanceof ScalarMinMaxKernel ? "scalar" : "vector";
    }

    /**
     * The kernel to use.
     *
     * @param vector a lambda that names the class only in its body and links everything the kernel needs, so that it
     *     throws a LinkageError if the Vector API is absent or differs from that of the build
     */
    public <K> K choose(Supplier<? extends K> vector, Supplier<? extends K> scalar) {
        boolean wanted = forced == null ? isOptimizing() && hasVectorModule() : forced.equals("vector");
        if (!wanted) {
            return scalar.get();
        }
        try {
            return vector.get();
        } catch (LinkageError e) {
            if (forced == null) {
                return scalar.get();
            }
            throw new IllegalStateException(
                    PROPERTY + "=vector, but this JVM has no Vector API: add --add-modules=jdk.incubator.vector", e);
        }
    }

    /** Without the optimizing compiler (C2), every vector operation is a call and an allocation. */
    private boolean isOptimizing() {
        return !vmInfo.contains("interpreted") && !vmInfo.contains("emulated-client");
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }
}
