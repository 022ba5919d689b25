package io.kvscale.quant;

import java.io.Serializable;

/**
 * Deviations of a corpus that are allowed.
 *
 * @param hybrid layers may be missing or differ in their token counts
 * @param mla layers may have keys only
 * @param allowZero a slot with zeros only gets the eps scale
 * @param skipNonFinite NaN and infinite values are ignored and counted, not refused
 */
public record Tolerances(boolean hybrid, boolean mla, boolean allowZero, boolean skipNonFinite)
        implements Serializable {}
