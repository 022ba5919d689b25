package io.kvscale.text;

import java.io.Serializable;
import java.util.List;

/**
 * Sequences that go through a model at once, padded to the longest. Its shape decides the bits of what the model
 * computes, so it must not depend on how the corpus was split.
 */
public record TokenBatch(List<TokenSequence> sequences) implements Serializable {
    public TokenBatch {
        sequences = List.copyOf(sequences);
    }

    /** Real ones, without padding. */
    public long tokens() {
        return sequences.stream().mapToLong(sequence -> sequence.ids().length).sum();
    }
}
