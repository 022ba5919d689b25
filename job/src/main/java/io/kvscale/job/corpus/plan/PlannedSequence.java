package io.kvscale.job.corpus.plan;

import java.util.List;

/**
 * A row of a batch: pieces of samples, concatenated.
 *
 * @param pieces at least one
 * @param length in tokens
 */
record PlannedSequence(String name, List<Piece> pieces, int length) {
    PlannedSequence {
        pieces = List.copyOf(pieces);
    }

    PlannedSequence(String name, List<Piece> pieces) {
        this(
                name,
                pieces,
                pieces.stream().mapToInt(piece -> piece.to - piece.from).sum());
    }

    /** The tokens {@code [from, to)} of a sample. */
    record Piece(TextSample sample, int from, int to) {}

    /** The hash of the first piece's sample. */
    ContentHash hash() {
        return pieces.get(0).sample.hash();
    }
}
