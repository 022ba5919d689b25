package io.kvscale.cache;

import io.kvscale.model.Decoding;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Slot;

/**
 * A decoder with a quantized cache: after every chunk, what left the residual is fake-quantized in the past that the next
 * chunk attends to. Gives what {@link FixedScaleCache#update} gives, but touches each token once.
 */
public final class Feedback {
    private final FixedScales scales;
    private final int residualLength;

    /** @param residualLength how many of the newest tokens stay in full precision; 0 for none */
    public Feedback(FixedScales scales, int residualLength) {
        if (residualLength < 0) {
            throw new IllegalArgumentException("residual_length " + residualLength + " is below 0");
        }
        this.scales = scales;
        this.residualLength = residualLength;
    }

    /** Sees what is about to be put into the past. */
    public interface Seen {
        /** @param leaving tokens as they were computed @param quantized the same, fake-quantized */
        void tokens(Slot slot, KvTensor leaving, KvTensor quantized);
    }

    /**
     * To be called after every feed of the one row of a batch.
     *
     * @param slots all of the model
     * @param before tokens that were there before that feed
     * @param seen is told of every slot that has scales
     */
    public void apply(Decoding run, Iterable<Slot> slots, int before, Seen seen) {
        int from = Math.max(0, before - residualLength);
        int to = Math.max(0, run.tokens() - residualLength);
        for (Slot slot : slots) {
            if (to > from && scales.quantizes(slot)) {
                KvTensor leaving = KvTokens.copy(run.present(slot), 0, from, to);
                KvTensor quantized = scales.fakeQuantize(slot, leaving);
                seen.tokens(slot, leaving, quantized);
                run.put(slot, 0, from, quantized);
            }
        }
    }
}
