package io.kvscale.evaluation;

import java.io.Serializable;

/**
 * What the tokens of a text attend to with a quantized cache.
 *
 * @param chunk 0: every token attends to quantized tokens only, itself included. Else the number of tokens that attend to
 *     each other in full precision, and to earlier ones quantized
 * @param residualLength the number of newest tokens before a chunk that are in full precision too
 */
public record Attention(int chunk, int residualLength) implements Serializable {
    /** As an engine that reads its quantized cache. */
    public static final Attention QUANTIZED = new Attention(0, 0);

    public Attention {
        if (chunk < 0 || residualLength < 0 || chunk == 0 && residualLength > 0) {
            throw new IllegalArgumentException("chunk " + chunk + ", residual_length " + residualLength);
        }
    }

    public boolean isQuantized() {
        return chunk == 0;
    }

    /** {@code quantized} or {@code chunks}. */
    public String word() {
        return isQuantized() ? "quantized" : "chunks";
    }

    /** Whether any prediction in a text of this length attends to a quantized token; the last token predicts none.
     * If a text has one, so have longer texts. */
    public boolean reaches(long tokens) {
        return tokens > 1 && (isQuantized() || (tokens - 2) / chunk * chunk > residualLength);
    }
}
