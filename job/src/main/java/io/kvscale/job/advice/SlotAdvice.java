package io.kvscale.job.advice;

import io.kvscale.tensor.Slot;

/** The candidates of a slot and the chosen one. */
public record SlotAdvice(SlotCandidates candidates, Candidate chosen) {
    public Slot slot() {
        return candidates.slot();
    }
}
