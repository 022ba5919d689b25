package io.kvscale.tensor;

import java.io.Serializable;

/**
 * Which channels of a head of K RoPE turns together. A rotation keeps {@code a * a + b * b} of the two channels of a pair at
 * every position. Channels after the rotated ones do not turn.
 *
 * @param neighbors whether pair {@code i} is 2i and 2i + 1, as in GPT-J; else i and i + channels / 2, as in Llama
 * @param channels the first channels of a head, which are rotated; 0 if no channel is
 */
public record RotaryPairs(boolean neighbors, int channels) implements Serializable {
    /** No channels turn, as in layers without RoPE. */
    public static final RotaryPairs NONE = new RotaryPairs(false, 0);

    public RotaryPairs {
        if (channels < 0 || channels % 2 != 0 || channels > Geometry.MAX_CHANNELS || (neighbors && channels == 0)) {
            throw new IllegalArgumentException(channels + " channels do not make pairs");
        }
    }

    /** Number of pairs of a head. */
    public int count() {
        return channels / 2;
    }

    /** The pair of a channel of a head; -1 if it is not rotated. */
    public int of(int channel) {
        return channel >= channels ? -1 : neighbors ? channel / 2 : channel % count();
    }

    /** The first channel of a pair. */
    public int first(int pair) {
        return neighbors ? 2 * pair : pair;
    }

    /** The second channel of a pair. */
    public int second(int pair) {
        return first(pair) + (neighbors ? 1 : count());
    }

    /** {@code half} or {@code interleaved}, as in recipes; {@code none} if no channel is rotated. */
    public String word() {
        return channels == 0 ? "none" : neighbors ? "interleaved" : "half";
    }

    /** The pairing with its channels in words, such as {@code half of 64 channels}. */
    public String described() {
        return channels == 0 ? "without rotation" : word() + " of " + channels + " channels";
    }
}
