package io.kvscale.observer.evidence;

import io.kvscale.model.config.Rotary.Pairing;

/**
 * The scores of K and V of one layer under one assumption of how RoPE pairs channels.
 *
 * @param pairs number of pairs that the scores are medians of
 * @param pairing {@link Pairing#HALVES} or {@link Pairing#NEIGHBORS}
 */
record LayerRotation(int layer, int pairs, Pairing pairing, RotationScore key, RotationScore value) {
    /** The medians of fewer pairs say nothing about a layer. */
    private static final int MIN_PAIRS = 32;

    /** The score of what is rotated is below this fraction of the score of what is not. */
    private static final double LOWER = 0.75;

    /** Under the pairing, compared with the other pairing, what is rotated has below this fraction of what is not. */
    private static final double LOWER_RATIO = 0.55;

    LayerRotation withOtherPairing() {
        Pairing other = pairing == Pairing.NEIGHBORS ? Pairing.HALVES : Pairing.NEIGHBORS;
        return new LayerRotation(layer, pairs, other, key, value);
    }

    boolean keysRotated() {
        return pairs >= MIN_PAIRS && isRotated(key, value);
    }

    boolean valuesRotated() {
        return pairs >= MIN_PAIRS && isRotated(value, key);
    }

    private boolean isRotated(RotationScore one, RotationScore still) {
        double ratio = one.paired(pairing) / one.other(pairing);
        // Under the wrong pairing the score of what is rotated is the larger one, which must not count.
        double expected = Math.min(1, still.paired(pairing) / still.other(pairing));
        return ratio < LOWER_RATIO * expected && one.paired(pairing) < LOWER * still.paired(pairing);
    }
}
