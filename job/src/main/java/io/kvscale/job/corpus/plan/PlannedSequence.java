package io.kvscale.job.corpus.plan;

import java.util.List;

/**
 * What becomes a row of a batch: pieces of samples, end to end.
 *
 * @param pieces at least one
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

    /** Of the sample that it begins with. */
    ContentHash hash() {
        return pieces.get(0).sample.hash();
    }
}
