package io.kvscale.input;

import java.io.Serializable;

/** The bytes {@code [start, end)} of a file. A head of a token belongs to the piece that holds its first byte. */
public record FilePiece(InputFile file, long start, long end) implements Serializable {
    /** Whether this piece holds the byte at a position of the file. */
    public boolean holds(long position) {
        return position >= start && position < end;
    }

    public long length() {
        return end - start;
    }
}
