package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.kernel.KernelChoice;
import java.util.function.Function;

/** Creates kernels: on the Vector API if the JVM, the format and the types allow it, else scalar. */
public final class QuantKernels {
    private static final Function<QuantSpec, QuantKernel> FAST = KernelChoice.ofThisJvm()
            .<Function<QuantSpec, QuantKernel>>choose(
                    () -> {
                        boolean wide = QuantLanes.isSupported();
                        return spec -> OneScaleLanes.fit(spec)
                                ? new OneScaleKernel(spec)
                                : wide || VectorQuantKernel.isPaired(spec)
                                        ? new VectorQuantKernel(spec)
                                        : new ScalarQuantKernel(spec);
                    },
                    () -> ScalarQuantKernel::new);

    private QuantKernels() {}

    public static QuantKernel of(QuantSpec spec) {
        return isVectorized(spec) ? FAST.apply(spec) : new ScalarQuantKernel(spec);
    }

    /** Whether {@link QuantLanes} has loops for these types and this format: the 8-bit formats that engines support. */
    static boolean isVectorized(QuantSpec spec) {
        return spec.dtype() != Dtype.F16
                && (spec.format() == NumberFormat.FP8_E4M3 || spec.format() == NumberFormat.INT8);
    }
}
