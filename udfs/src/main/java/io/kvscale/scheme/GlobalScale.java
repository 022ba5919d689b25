package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Locale;

/**
 * The convention of the global scale of NVFP4, one f32 number per slot. The two conventions are reciprocals, except for
 * rounding; the number alone does not tell which one is used.
 */
public enum GlobalScale {
    /**
     * 2688/absmax; local scales are divided by it. compressed-tensors uses it for {@code weight_global_scale} and
     * {@code input_global_scale}. The default.
     */
    DIVISOR("2688/absmax"),
    /** absmax/2688; local scales are multiplied by it. ModelOpt uses it for {@code weight_scale_2}, vLLM when it computes. */
    MULTIPLIER("absmax/2688");

    /** The greatest fp4 number times the greatest fp8 e4m3 number: 2688. */
    private static final float MOST = NumberFormat.FP4_E2M1.max() * NumberFormat.FP8_E4M3.max();

    private final String formula;

    GlobalScale(String formula) {
        this.formula = formula;
    }

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The global scale of values up to an absolute value, in f32; not finite or 0 if it overflows.
     *
     * @param most the greatest absolute value
     */
    public float of(float most) {
        return this == DIVISOR ? (1f / most) * MOST : most / MOST;
    }

    /** The formula over the greatest absolute value. */
    public String formula() {
        return formula;
    }
}
