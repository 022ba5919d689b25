package io.kvscale.quant;

import java.io.Serializable;

/**
 * What a corpus may lack without being refused.
 *
 * @param hybrid layers may be missing, and layers may differ in their tokens
 * @param mla layers have keys only
 * @param allowZero a slot of zeros only gets the eps scale
 * @param skipNonFinite NaN and infinite values are left out and counted instead of refused
 */
public record Tolerances(boolean hybrid, boolean mla, boolean allowZero, boolean skipNonFinite)
        implements Serializable {}
