package io.kvscale.task;

import io.kvscale.capture.layout.LikelyLayout;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Whether the shapes of a corpus look as if axes were taken for others. The tokens that are read are then KV heads: their
 * number is the same in every tensor. A commutative monoid under {@link #merge}.
 *
 * @param fits whether a tensor does not have more heads than tokens, or few heads
 * @param unclear whether a tensor has more heads than tokens that some model could have
 * @param headMajor whether a tensor was read as {@code [batch, kv_heads, tokens, head_dim]}
 * @param fewest the smallest number of tokens of a tensor
 * @param most the largest number
 * @param first the doubt about the first tensor that has many heads and fewer tokens
 */
record LayoutEvidence(
        boolean fits,
        boolean unclear,
        boolean headMajor,
        int fewest,
        int most,
        @Nullable DataProblem first) implements Serializable {
    static final LayoutEvidence NONE = new LayoutEvidence(false, false, false, Integer.MAX_VALUE, 0, null);

    /** Below this number of heads a short text is more likely than a wrong layout. */
    private static final int FEW_HEADS = 16;

    /** So many more heads than tokens are not a corpus of short texts, unless the texts are single tokens. */
    private static final int FAR_MORE = 32;

    private static final String KEEP =
            ". If the shape is right, name the model's config.json with --model-config, or set"
                    + " layout or kv_heads to what it is";

    /** The evidence of one tensor. */
    static LayoutEvidence of(Slot slot, KvSource source) {
        int heads = source.geometry().heads();
        int tokens = source.tokens();
        if (heads < FEW_HEADS || heads <= tokens) {
            return new LayoutEvidence(true, false, !source.tokenMajor(), tokens, tokens, null);
        }
        LikelyLayout likely =
                LikelyLayout.of(source.tokenMajor(), tokens, source.geometry().headDim());
        DataProblem problem = DataProblem.of(
                        "this tensor has " + heads + " KV heads and " + tokens
                                + (tokens == 1 ? " token" : " tokens") + " in the layout it was read in, and so do all"
                                + " others; it looks like " + likely.axes(),
                        likely.remedy() + KEEP)
                .inSlot(slot)
                .inFile(source.file());
        @Nullable Sample sample = source.origin(0).sample();
        return new LayoutEvidence(
                false,
                !isImpossible(source),
                !source.tokenMajor(),
                tokens,
                tokens,
                sample == null ? problem : problem.inSample(sample));
    }

    private static boolean isImpossible(KvSource source) {
        int tokens = source.tokens();
        return source.geometry().headDim() > LikelyLayout.MAX_HEAD_DIM
                || tokens > 1 && source.geometry().heads() > (long) FAR_MORE * tokens;
    }

    LayoutEvidence merge(LayoutEvidence other) {
        return new LayoutEvidence(
                fits || other.fits,
                unclear || other.unclear,
                headMajor || other.headMajor,
                Math.min(fewest, other.fewest),
                Math.max(most, other.most),
                DataProblem.earlier(first, other.first));
    }

    /** Whether every tensor has the same number of tokens, as KV heads would be. */
    private boolean tokensMayBeHeads() {
        return fewest == most;
    }

    /**
     * Whether two numbers of heads may be tokens: texts are longer than a token has KV heads. Of single tokens, a multiple of the
     * KV heads is more likely the number of query heads.
     */
    boolean headsMayBeTokens(int fewer, int more) {
        return tokensMayBeHeads() && fewer > most && (most > 1 || more % fewer != 0);
    }

    /** A conflict of two numbers of heads, with the layout in which both have the same number. */
    DataProblem explained(DataProblem conflict, int headDim) {
        LikelyLayout likely = LikelyLayout.of(!headMajor, fewest, headDim);
        return new DataProblem(
                conflict.what() + "; all tensors have " + fewest + (fewest == 1 ? " token" : " tokens")
                        + " in the layout they were read in, so this looks like " + likely.axes(),
                likely.remedy() + ". If the shapes are right, calibrate on captures of one model",
                conflict.sample(),
                conflict.slot(),
                conflict.file(),
                conflict.tensor());
    }

    /** The problem of a corpus whose layout is wrong beyond doubt; null if there is none. */
    @Nullable
    DataProblem error() {
        return unclear ? null : doubt();
    }

    /** The problem of a corpus whose layout may be wrong; null if there is none. */
    @Nullable
    DataProblem doubt() {
        return fits || !tokensMayBeHeads() ? null : first;
    }
}
