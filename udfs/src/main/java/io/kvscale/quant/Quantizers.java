package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.KernelChoice;
import java.util.function.Function;

/** Makes quantizers: vectors where this JVM and the types allow it. */
final class Quantizers {
    private static final Function<QuantizerSpec, Quantizer> FAST = KernelChoice.ofThisJvm()
            .<Function<QuantizerSpec, Quantizer>>choose(
                    () -> VectorQuantizer.isSupported() ? spec -> new VectorQuantizer(spec) : ScalarQuantizer::new,
                    () -> ScalarQuantizer::new);

    private Quantizers() {}

    static Quantizer of(QuantizerSpec spec) {
        return isVectorized(spec) ? FAST.apply(spec) : new ScalarQuantizer(spec);
    }

    /** The 8-bit formats that engines serve, over the types that models have. */
    static boolean isVectorized(QuantizerSpec spec) {
        return spec.dtype() != Dtype.F16
                && (spec.format() == NumberFormat.FP8_E4M3 || spec.format() == NumberFormat.INT8);
    }
}
