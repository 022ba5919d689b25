package io.kvscale.scheme;

import io.kvscale.tensor.Geometry;
import java.util.Locale;

/** How many values of a K or V tensor {@code [B,H,S,D]} share one scale. */
public enum Strategy {
    /** One scale for all: shape [1]. */
    TENSOR,
    /** One a KV head: shape [H,1,1]. */
    ATTN_HEAD,
    /** One a (head, channel), over all tokens, as KIVI and KVQuant mean it: shape [H,1,D]. */
    CHANNEL,
    /** One a run of {@code group_size} channels along head_dim: shape [H,1,D/group_size]. */
    GROUP,
    /**
     * NVFP4: one global scale for all, shape [1], and beside it local scales of 16 neighbouring values of a token, which are
     * computed with the codes and never calibrated.
     */
    TENSOR_GROUP;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether whole heads share a scale, and no other scale concerns a value. */
    public boolean isByHeads() {
        return this == TENSOR || this == ATTN_HEAD;
    }

    /**
     * How many neighbouring channels (of heads x head_dim, row-major) share one scale.
     *
     * @param groupSize used by {@link #GROUP} only; divides head_dim
     */
    public int channelsPerScale(Geometry geometry, int groupSize) {
        return switch (this) {
            case TENSOR, TENSOR_GROUP -> geometry.channels();
            case ATTN_HEAD -> geometry.headDim();
            case CHANNEL -> 1;
            case GROUP -> groupSize;
        };
    }

    /** The shape of the scales, as serving engines broadcast it over {@code [H,S,D]}. */
    public int[] scaleShape(Geometry geometry, int groupSize) {
        return switch (this) {
            case TENSOR, TENSOR_GROUP -> new int[] {1};
            case ATTN_HEAD -> new int[] {geometry.heads(), 1, 1};
            case CHANNEL -> new int[] {geometry.heads(), 1, geometry.headDim()};
            case GROUP -> new int[] {geometry.heads(), 1, geometry.headDim() / groupSize};
        };
    }
}
