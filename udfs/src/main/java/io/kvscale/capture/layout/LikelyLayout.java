package io.kvscale.capture.layout;

import io.kvscale.tensor.TokenMask;
import org.jspecify.annotations.Nullable;

/**
 * The layout that a tensor probably has whose axes were taken for others, because it was read in the default layout of its
 * rank.
 *
 * @param axes the axes in words
 * @param remedy the recipe line that reads it
 */
public record LikelyLayout(String axes, String remedy) {
    /** No model that engines serve has more KV heads. */
    public static final int MAX_HEADS = 128;

    /** More values than this are those of several heads, or the latent tensor of one head. */
    public static final int MAX_HEAD_DIM = 256;

    private static final String BSHD = "[batch, tokens, kv_heads, head_dim]";
    private static final String BATCH_MERGED = "[batch, tokens, kv_heads x head_dim]";
    private static final String RECIPE = " under kvscale in the recipe";
    private static final String MERGED = "set layout: BSHD and kv_heads" + RECIPE;

    /**
     * The likely layout.
     *
     * @param tokenMajor whether the tensor was read as {@code [tokens, kv_heads, head_dim]}, not as {@code [batch, kv_heads,
     *     tokens, head_dim]}
     * @param tokens as it was read
     * @param headDim as it was read
     */
    public static LikelyLayout of(boolean tokenMajor, long tokens, long headDim) {
        if (!tokenMajor) {
            return new LikelyLayout(BSHD, "set layout: BSHD" + RECIPE);
        } else if (tokens == 1 || headDim > MAX_HEAD_DIM) {
            return new LikelyLayout(
                    tokens == 1 ? "[1, tokens, kv_heads x head_dim]" : BATCH_MERGED,
                    headDim > MAX_HEAD_DIM ? MERGED + ", or mla: true if this is the latent tensor of MLA" : MERGED);
        }
        return new LikelyLayout(
                "[kv_heads, tokens, head_dim] or " + BATCH_MERGED,
                "set layout: HSD" + RECIPE + ", or layout: BSHD and kv_heads if the first axis is the batch");
    }

    /** The likely layout of a tensor that does not have the one that the recipe says. */
    public static LikelyLayout insteadOf(Layout given) {
        Layout other = switch (given) {
            case BHSD -> Layout.BSHD;
            case BSHD -> Layout.BHSD;
            case HSD -> Layout.SHD;
            case SHD -> Layout.HSD;
            case THD2 -> Layout.THD2;
        };
        return other == given
                ? new LikelyLayout("[2, kv_heads, tokens, head_dim]", "capture [2, tokens, kv_heads, head_dim]")
                : new LikelyLayout(other.described(), "set layout: " + other.word() + RECIPE);
    }

    /** The layout of a tensor whose batch and tokens are those of a mask, but on other axes; null if there is none. */
    public static @Nullable LikelyLayout ofMask(TokenMask mask, TensorShape shape) {
        if (mask.tokens() != shape.geometry().heads()) {
            return null;
        } else if (!shape.tokenMajor() && mask.batch() == shape.batch()) {
            return new LikelyLayout(BSHD, "set layout: BSHD" + RECIPE);
        }
        return shape.tokenMajor() && mask.batch() == shape.tokens() ? new LikelyLayout(BATCH_MERGED, MERGED) : null;
    }
}
