package io.kvscale.tensor;

import java.util.BitSet;

/**
 * The attention mask of a batch, {@code [batch, tokens]}: true for real tokens, false for padding.
 *
 * @param real row-major; must not change after construction
 */
public record TokenMask(int batch, int tokens, BitSet real) {
    /** The mask of the tokens {@code [from, to)} of one row. */
    public TokenMask part(int row, int from, int to) {
        return new TokenMask(1, to - from, real.get(row * tokens + from, row * tokens + to));
    }

    /** The first real token within {@code [from, to)} of a row; {@code to} if there is none. */
    int nextReal(int row, int from, int to) {
        int start = row * tokens;
        int found = real.nextSetBit(start + from);
        return found < 0 ? to : Math.min(found - start, to);
    }

    /** The end (exclusive) of the run of real tokens that holds {@code from}, at most {@code to}. */
    int endOfRun(int row, int from, int to) {
        int start = row * tokens;
        return Math.min(real.nextClearBit(start + from) - start, to);
    }

    /** The last real token of a row; -1 if there is none. */
    int lastReal(int row) {
        int start = row * tokens;
        return Math.max(-1, real.previousSetBit(start + tokens - 1) - start);
    }

    /** Number of real tokens of one row. */
    int count(int row) {
        int start = row * tokens;
        return real.get(start, start + tokens).cardinality();
    }

    /** Number of real tokens of all rows. */
    long count() {
        return real.cardinality();
    }
}
