package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import java.util.List;

/**
 * A group in a state, without its content.
 *
 * @param file the name of its file
 * @param size the length of its file in bytes
 */
public record KeptGroup(String file, long size, Observation observation, List<FilePiece> pieces) {
    /** The bytes of captures that it stands for. */
    public long bytes() {
        return pieces.stream().mapToLong(FilePiece::length).sum();
    }
}
