package io.kvscale.model.config;

import java.io.Serializable;

/**
 * How RoPE pairs the channels of a head of K.
 *
 * @param channels the first channels of a head, which are rotated; 0 without RoPE
 */
public record Rotary(Pairing pairing, int channels) implements Serializable {
    /** The channels that turn together. */
    public enum Pairing {
        /** d and d + channels / 2. */
        HALVES,
        /** 2i and 2i + 1. */
        NEIGHBORS,
        /** One of the two, not known which. */
        EITHER,
        /** No channels turn. */
        NONE,
        /** config.json does not say whether channels turn. */
        UNSTATED
    }

    static final Rotary NONE = new Rotary(Pairing.NONE, 0);
    static final Rotary UNSTATED = new Rotary(Pairing.UNSTATED, 0);

    /** Whether channels are known to turn. */
    public boolean turns() {
        return pairing != Pairing.NONE && pairing != Pairing.UNSTATED;
    }

    /** The rotation of all channels of a model that is not known. */
    public static Rotary unknown(int headDim) {
        return new Rotary(Pairing.EITHER, headDim);
    }
}
