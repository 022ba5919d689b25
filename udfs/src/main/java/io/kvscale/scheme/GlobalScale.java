package io.kvscale.scheme;

import java.util.Locale;

/**
 * What the one f32 number of an NVFP4 slot is. Two conventions exist, each the reciprocal of the other but for rounding, and
 * nothing in a bare number tells them apart.
 */
public enum GlobalScale {
    /**
     * 2688/absmax, which local scales are divided by: {@code weight_global_scale} and {@code input_global_scale} of
     * compressed-tensors. The default.
     */
    DIVISOR("2688/absmax"),
    /** absmax/2688, which local scales are multiplied by: {@code weight_scale_2} of ModelOpt, and what vLLM computes with. */
    MULTIPLIER("absmax/2688");

    private final String formula;

    GlobalScale(String formula) {
        this.formula = formula;
    }

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** How it comes from the greatest absolute value. */
    public String formula() {
        return formula;
    }
}
