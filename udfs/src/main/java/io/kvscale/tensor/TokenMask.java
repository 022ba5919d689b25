package io.kvscale.tensor;

import java.util.BitSet;

/**
 * Which tokens of a batch are real: {@code [batch, tokens]}, true where a sample has a token, false where it is padded.
 *
 * @param real row-major; not changed after construction
 */
public record TokenMask(int batch, int tokens, BitSet real) {
    /** The tokens {@code [from, to)} of one row. */
    public TokenMask part(int row, int from, int to) {
        return new TokenMask(1, to - from, real.get(row * tokens + from, row * tokens + to));
    }

    /** Where the first run of real tokens within {@code [from, to)} of a row begins; {@code to} if there is none. */
    int nextReal(int row, int from, int to) {
        int start = row * tokens;
        int found = real.nextSetBit(start + from);
        return found < 0 ? to : Math.min(found - start, to);
    }

    /** Where the run of real tokens that holds {@code from} ends, at most {@code to}. */
    int endOfRun(int row, int from, int to) {
        int start = row * tokens;
        return Math.min(real.nextClearBit(start + from) - start, to);
    }

    /** Number of real tokens of all rows. */
    long count() {
        return real.cardinality();
    }
}
