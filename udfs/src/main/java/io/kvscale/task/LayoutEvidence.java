package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Whether the tensors of a corpus look as if axes were taken for others: more KV heads than tokens in every one. A
 * commutative monoid under {@link #merge}.
 *
 * @param fitting tensors that look right
 * @param unclear tensors with more heads than tokens that some model could have
 * @param first the first problem of a tensor that does not look right
 */
record LayoutEvidence(long fitting, long unclear, @Nullable DataProblem first) implements Serializable {
    static final LayoutEvidence NONE = new LayoutEvidence(0, 0, null);

    /** Below this number of heads a short text is more likely than a wrong layout. */
    private static final int FEW_HEADS = 16;

    /** No model that engines serve has more KV heads. */
    private static final int MOST_HEADS = 128;

    /** So many more heads than tokens are not a short text. */
    private static final int FAR_MORE = 4;

    private static final String KEEP =
            ". If the shape is right, name the model's config.json with --model-config, or set"
                    + " layout or kv_heads to what it is";

    /** The evidence of one tensor. */
    static LayoutEvidence of(Slot slot, KvSource source) {
        int heads = source.geometry().heads();
        int tokens = source.tokens();
        if (heads <= MOST_HEADS && (heads < FEW_HEADS || heads <= tokens)) {
            return new LayoutEvidence(1, 0, null);
        }
        boolean certain = heads > MOST_HEADS || heads > (long) FAR_MORE * tokens;
        DataProblem problem = DataProblem.of(
                        "this tensor has " + heads + " KV heads and " + tokens
                                + (tokens == 1 ? " token" : " tokens") + " in the layout it was read in, and so do all"
                                + " others; it looks like " + likely(source),
                        remedy(source) + KEEP)
                .inSlot(slot)
                .inFile(source.file());
        @Nullable Sample sample = source.origin(0).sample();
        return new LayoutEvidence(0, certain ? 0 : 1, sample == null ? problem : problem.inSample(sample));
    }

    private static String likely(KvSource source) {
        return !source.tokenMajor()
                ? "[batch, tokens, kv_heads, head_dim]"
                : source.tokens() == 1 ? "[1, tokens, kv_heads x head_dim]" : "[kv_heads, tokens, head_dim]";
    }

    private static String remedy(KvSource source) {
        return !source.tokenMajor()
                ? "set layout: BSHD under kvscale in the recipe"
                : source.tokens() == 1
                        ? "set layout: BSHD and kv_heads under kvscale in the recipe"
                        : "set layout: HSD under kvscale in the recipe";
    }

    LayoutEvidence merge(LayoutEvidence other) {
        return new LayoutEvidence(
                fitting + other.fitting, unclear + other.unclear, DataProblem.earlier(first, other.first));
    }

    /** The problem of a corpus whose layout is wrong beyond doubt; null if there is none. */
    @Nullable
    DataProblem error() {
        return fitting == 0 && unclear == 0 ? first : null;
    }

    /** The problem of a corpus whose layout may be wrong; null if there is none. */
    @Nullable
    DataProblem doubt() {
        return fitting == 0 && unclear > 0 ? first : null;
    }
}
