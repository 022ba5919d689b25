package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import java.util.List;

/**
 * A group in a state, without its content.
 *
 * @param file the name of its file
 * @param size the length of its file in bytes
 * @param pieces of captures; empty for a group of texts
 * @param batches of texts; empty for a group of captures
 */
public record KeptGroup(
        String file, long size, Observation observation, List<FilePiece> pieces, List<KeptBatch> batches) {
    /** The bytes of captures that it stands for. */
    public long bytes() {
        return pieces.stream().mapToLong(FilePiece::length).sum();
    }

    /** The tokens of the texts that it stands for. */
    public long tokens() {
        return batches.stream().mapToLong(KeptBatch::tokens).sum();
    }
}
