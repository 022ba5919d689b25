package io.kvscale.scheme;

import io.kvscale.tensor.Geometry;
import java.util.Locale;

/** How many values of a K or V tensor {@code [B,H,S,D]} share one scale. */
public enum Strategy {
    /** One scale per tensor: shape [1]. */
    TENSOR,
    /** One scale per KV head: shape [H,1,1]. */
    ATTN_HEAD,
    /** One scale per (head, channel) over all tokens, as in KIVI and KVQuant: shape [H,1,D]. */
    CHANNEL,
    /** One scale per {@code group_size} neighbouring channels along head_dim: shape [H,1,D/group_size]. */
    GROUP,
    /**
     * NVFP4: one calibrated global scale, shape [1], and one local scale per 16 neighbouring values of a token. Local scales
     * are computed with the codes, not calibrated.
     */
    TENSOR_GROUP;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether whole heads share a scale and there are no local scales. */
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
