package io.kvscale.observer.kernel;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether this JVM runs a kernel's vector implementation or its scalar twin.
 *
 * @param forced the value of {@link #PROPERTY}: {@code vector} (an error where that cannot run) or {@code scalar};
 *     null: vector, unless something speaks against it
 * @param vmInfo what the JVM says of itself, {@code java.vm.info}
 */
public record KernelChoice(@Nullable String forced, String vmInfo) {
    public static final String PROPERTY = "kvscale.kernel";

    public KernelChoice {
        if (forced != null && !forced.equals("vector") && !forced.equals("scalar")) {
            throw new IllegalArgumentException(PROPERTY + " is vector or scalar, not " + forced);
        }
    }

    public static KernelChoice ofThisJvm() {
        return new KernelChoice(System.getProperty(PROPERTY), System.getProperty("java.vm.info", ""));
    }

    /** What this JVM runs: {@code vector} or {@code scalar}. */
    public static String inUse() {
        return MinMaxKernels.chosen() instanceof ScalarMinMaxKernel ? "scalar" : "vector";
    }

    /**
     * The kernel to use. {@code vector} has to link all that the kernel needs, and has to be a lambda that names the
     * class only in its body: it throws a LinkageError where the Vector API is absent, or is not the one of our build.
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
                    PROPERTY + "=vector, but the Vector API is not there: add --add-modules=jdk.incubator.vector", e);
        }
    }

    /** Without the optimizing compiler every vector operation is a call and an allocation. */
    private boolean isOptimizing() {
        return !vmInfo.contains("interpreted") && !vmInfo.contains("emulated-client");
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }
}
