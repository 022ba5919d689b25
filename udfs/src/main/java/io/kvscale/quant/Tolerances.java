package io.kvscale.quant;

import io.kvscale.model.config.ModelConfig;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Deviations of a corpus that are allowed, and the model that it must fit.
 *
 * @param hybrid layers may be missing or differ in their token counts
 * @param mla layers may have keys only
 * @param allowZero a slot with zeros only gets the eps scale
 * @param skipNonFinite NaN and infinite values are ignored and counted, not refused
 * @param maxSaturated the share of the values of a slot that its scales may clip at a loss, in percent
 * @param keysBeforeRope K was captured before RoPE
 * @param model the layers that the model caches; null if they are not known
 */
public record Tolerances(
        boolean hybrid,
        boolean mla,
        boolean allowZero,
        boolean skipNonFinite,
        double maxSaturated,
        boolean keysBeforeRope,
        @Nullable ModelConfig model)
        implements Serializable {
    /** The default of {@code maxSaturated}. */
    public static final double MAX_SATURATED = 1;

    /** The deviations that are allowed for a model that is not known. */
    public Tolerances(boolean hybrid, boolean mla, boolean allowZero, boolean skipNonFinite) {
        this(hybrid, mla, allowZero, skipNonFinite, MAX_SATURATED, false, null);
    }
}
