package io.kvscale.job.advice;

import io.kvscale.tensor.Slot;

/** How a slot could be held, and how it should be. */
public record SlotAdvice(SlotCandidates candidates, Candidate chosen) {
    public Slot slot() {
        return candidates.slot();
    }
}
