package io.kvscale.observer;

import org.jspecify.annotations.Nullable;

/** Chooses the min/max kernel of this JVM, once. */
final class MinMaxKernels {
    /** System property that forces a kernel: {@code vector} (an error where it cannot run) or {@code scalar}. */
    static final String PROPERTY = "kvscale.kernel";

    private static final String VECTOR = "io.kvscale.observer.VectorMinMaxKernel";

    private MinMaxKernels() {}

    /** The kernel of this JVM: the vector one unless something speaks against it. */
    static MinMaxKernel chosen() {
        return Chosen.KERNEL;
    }

    /** Deferred to the first use, so that a wrong property fails there and not in some other class's loading. */
    private static final class Chosen {
        static final MinMaxKernel KERNEL = choose(System.getProperty(PROPERTY), System.getProperty("java.vm.info", ""));
    }

    /** Split from {@link #chosen} for the tests: the property's value, and what the JVM says of itself. */
    static MinMaxKernel choose(@Nullable String forced, String vmInfo) {
        if (forced == null) {
            return isOptimizing(vmInfo) && hasVectorModule() ? vectorOrScalar() : new ScalarMinMaxKernel();
        }
        return switch (forced) {
            case "scalar" -> new ScalarMinMaxKernel();
            case "vector" -> forcedVector();
            default -> throw new IllegalArgumentException(PROPERTY + " is vector or scalar, not " + forced);
        };
    }

    /** Without the optimizing compiler every vector operation is a call and an allocation. */
    private static boolean isOptimizing(String vmInfo) {
        return !vmInfo.contains("interpreted") && !vmInfo.contains("emulated-client");
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    private static MinMaxKernel vectorOrScalar() {
        try {
            return vector();
        } catch (ReflectiveOperationException | LinkageError e) {
            // A JDK whose incubating API is no longer the one compiled against: slower, never wrong.
            return new ScalarMinMaxKernel();
        }
    }

    private static MinMaxKernel forcedVector() {
        try {
            return vector();
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new IllegalStateException(
                    PROPERTY + "=vector, but the Vector API is not there: add --add-modules=jdk.incubator.vector", e);
        }
    }

    /** By name: a direct reference would keep this class from loading where the module is absent. */
    private static MinMaxKernel vector() throws ReflectiveOperationException {
        return (MinMaxKernel) Class.forName(VECTOR).getDeclaredConstructor().newInstance();
    }
}
