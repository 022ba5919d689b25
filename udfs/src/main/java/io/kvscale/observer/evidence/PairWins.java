package io.kvscale.observer.evidence;

import io.kvscale.model.config.Rotary.Pairing;
import java.io.Serializable;

/**
 * Which of RoPE's two pairings has channels of more equal size: for each head and each of the faster half of the pairs, the
 * sizes of d and d + channels / 2 are compared with those of 2i and 2i + 1. Counts add up over heads and layers, and are
 * nearly equal where nothing was rotated. A commutative monoid.
 *
 * @param halves number of comparisons in which d and d + channels / 2 are closer
 * @param neighbors number of comparisons in which 2i and 2i + 1 are closer
 */
public record PairWins(long halves, long neighbors) implements Serializable {
    public static final PairWins NONE = new PairWins(0, 0);

    /** Share of the comparisons that the pairing of what is rotated wins, at least. */
    private static final double ROTATED = 0.6;

    /** Squared standard deviations from an even count, at least: chance reaches this once in 30 million. */
    private static final int SQUARED_DEVIATIONS = 30;

    /** What is not rotated exceeds one half by less than this fraction of what rotated K does. */
    private static final double STILL = 0.25;

    /**
     * Compares the pairs of all heads.
     *
     * @param sizes the maximum |x| of each channel of each head
     * @param channels the first channels of a head, which are taken as rotated; at most head_dim
     */
    public static PairWins of(float[] sizes, int headDim, int channels) {
        long halves = 0;
        long neighbors = 0;
        for (int head = 0; head < sizes.length; head += headDim) {
            for (int i = 0; i < channels / 4; i++) {
                float a = sizes[head + i];
                float b = sizes[head + i + channels / 2];
                float c = sizes[head + 2 * i];
                float d = sizes[head + 2 * i + 1];
                // Compares max / min of both without rounding. A size of 0 makes both products 0: neither is closer.
                double half = (double) Math.max(a, b) * Math.min(c, d);
                double neighbor = (double) Math.max(c, d) * Math.min(a, b);
                halves += half < neighbor ? 1 : 0;
                neighbors += neighbor < half ? 1 : 0;
            }
        }
        return new PairWins(halves, neighbors);
    }

    public PairWins plus(PairWins other) {
        return new PairWins(halves + other.halves, neighbors + other.neighbors);
    }

    private long all() {
        return halves + neighbors;
    }

    private long wins(Pairing pairing) {
        return pairing == Pairing.NEIGHBORS ? neighbors : halves;
    }

    /** The share of the comparisons that a pairing wins; one half without comparisons. */
    public double share(Pairing pairing) {
        return all() == 0 ? 0.5 : (double) wins(pairing) / all();
    }

    boolean isRotated(Pairing pairing) {
        double excess = 2.0 * wins(pairing) - all();
        return share(pairing) >= ROTATED && excess * excess >= (double) SQUARED_DEVIATIONS * all();
    }

    /** Whether this is not rotated, compared with K that is. */
    boolean isStill(Pairing pairing, PairWins rotated) {
        double expected = rotated.share(pairing);
        double missing = 2 * (expected - share(pairing)) * all();
        return share(pairing) - 0.5 < STILL * (expected - 0.5)
                && missing > 0
                && missing * missing >= (double) SQUARED_DEVIATIONS * all();
    }
}
