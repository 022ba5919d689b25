package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The convention of the global scale of NVFP4, one f32 number per slot. The number alone does not tell which one is used.
 *
 * <p>The two multipliers differ in the local scales that they leave: up to 448 for {@code absmax/2688}, up to 75 for
 * {@code absmax/448}. A local scale times an fp4 number then fits into fp8, to which kernels of SM100 dequantize.
 */
public enum GlobalScale {
    /**
     * absmax/448; local scales are multiplied by it. The default, and the scale of an fp8 cache too. The KV caches of vLLM
     * and TensorRT-LLM use it, and ModelOpt from 0.42 on writes it.
     */
    ABSMAX_448("absmax/448"),
    /**
     * absmax/2688; local scales are multiplied by it. SGLang expects it for KV caches, ModelOpt up to 0.41 wrote it, and
     * weights have it in {@code weight_scale_2}.
     */
    MULTIPLIER("absmax/2688"),
    /**
     * 2688/absmax; local scales are divided by it. compressed-tensors uses it for {@code weight_global_scale} and
     * {@code input_global_scale}. No engine uses it for a KV cache.
     */
    DIVISOR("2688/absmax");

    private static final float MOST_LOCAL = NumberFormat.FP8_E4M3.max();

    /** The greatest fp4 number times the greatest local scale: 2688. */
    private static final float MOST = NumberFormat.FP4_E2M1.max() * MOST_LOCAL;

    private final String formula;

    GlobalScale(String formula) {
        this.formula = formula;
    }

    /** The convention of schemes that name none. */
    public static GlobalScale byDefault() {
        return ABSMAX_448;
    }

    /** The words of all conventions, the default first. */
    public static List<String> words() {
        return Arrays.stream(values()).map(GlobalScale::word).toList();
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
        return switch (this) {
            case ABSMAX_448 -> most / MOST_LOCAL;
            case MULTIPLIER -> most / MOST;
            case DIVISOR -> (1f / most) * MOST;
        };
    }

    /** Whether local scales are divided by the global scale, and not multiplied. */
    public boolean divides() {
        return this == DIVISOR;
    }

    /** The greatest value that local scales reach, relative to the absolute maximum behind the global scale: 1 or 6. */
    public float headroom() {
        return this == ABSMAX_448 ? MOST / MOST_LOCAL : 1f;
    }

    /** The greatest |x| that codes reach under this global scale; it saturates beyond. */
    public float end(float globalScale) {
        return divides() ? MOST / globalScale : MOST * globalScale;
    }

    /** The formula over the greatest absolute value. */
    public String formula() {
        return formula;
    }
}
