package io.kvscale.job.drift;

import org.jspecify.annotations.Nullable;

/**
 * What a slot may reach but not exceed.
 *
 * @param saturated share of the newer values that the deployed scales clip, from 0 to 1; null for no limit
 * @param sqnrLossDb SQNR in decibels that they lose against scales fitted to the newer values; null for no limit
 */
public record DriftLimits(
        @Nullable Double saturated, @Nullable Double sqnrLossDb) {
    public static final String SATURATED = "--fail-saturated";
    public static final String SQNR_LOSS = "--fail-sqnr-loss";

    /** Whether there is any limit. */
    public boolean isAny() {
        return saturated != null || sqnrLossDb != null;
    }

    /** Whether the clipped share of a slot exceeds its limit. An unknown share is above 0. */
    public boolean exceedsSaturated(SlotDrift slot) {
        Double share = slot.to().clippedShare();
        return saturated != null && (share == null ? saturated == 0 : share > saturated);
    }

    /** Whether the loss of a slot exceeds its limit. */
    public boolean exceedsSqnrLoss(SlotDrift slot) {
        Double loss = slot.lossDb();
        return sqnrLossDb != null && loss != null && loss > sqnrLossDb;
    }

    boolean exceeds(SlotDrift slot) {
        return exceedsSaturated(slot) || exceedsSqnrLoss(slot);
    }
}
