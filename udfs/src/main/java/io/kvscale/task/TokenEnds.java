package io.kvscale.task;

import java.io.Serializable;

/**
 * The tokens at both ends of a sample, in one slot. Masked tokens are left out.
 *
 * @param zeroFirst number of tokens at the beginning that are zero in every head
 * @param zeroLast the same at the end
 * @param equalFirst number of tokens at the beginning that are equal, bit for bit, in every head
 * @param equalLast the same at the end
 */
public record TokenEnds(int zeroFirst, int zeroLast, int equalFirst, int equalLast) implements Serializable {
    /** So many equal tokens at an end are padding. Texts may repeat a token a few times. */
    public static final int PADDING = 8;

    /** Number of tokens that are read at each end: of more, so many are counted. */
    public static final int READ = 128;

    static final TokenEnds NONE = new TokenEnds(0, 0, 0, 0);

    /** The ends of two parts of a sample: padding of either one counts. */
    TokenEnds merge(TokenEnds other) {
        return new TokenEnds(
                Math.max(zeroFirst, other.zeroFirst),
                Math.max(zeroLast, other.zeroLast),
                Math.max(equalFirst, other.equalFirst),
                Math.max(equalLast, other.equalLast));
    }

    /** The ends of two heads of a sample: only padding of both counts. */
    TokenEnds both(TokenEnds other) {
        return new TokenEnds(
                Math.min(zeroFirst, other.zeroFirst),
                Math.min(zeroLast, other.zeroLast),
                Math.min(equalFirst, other.equalFirst),
                Math.min(equalLast, other.equalLast));
    }
}
