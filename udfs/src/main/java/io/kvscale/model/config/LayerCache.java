package io.kvscale.model.config;

import io.kvscale.tensor.Role;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The KV cache of one layer.
 *
 * @param kvHeads KV heads; 1 for a latent tensor
 * @param keyHeadDim values of a head of K, or of the latent tensor
 * @param valueHeadDim values of a head of V; 0 if there is no V
 * @param window maximum number of tokens in the cache; 0: all
 */
public record LayerCache(Kind kind, int kvHeads, int keyHeadDim, int valueHeadDim, int window, Rotary rotary)
        implements Serializable {
    /** What a layer attends to. */
    public enum Kind {
        FULL("full attention"),
        SLIDING("a sliding window"),
        /** Linear attention, state space, convolution or MLP: there is no K and V. */
        NO_ATTENTION("no KV cache"),
        /** The layer reads the cache of another one. */
        SHARED("the KV cache of another layer"),
        /** The layer attends to an encoder's output, which is no part of the KV cache of tokens. */
        CROSS("cross-attention");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /** What a layer of this kind has, as {@code a sliding window}. */
        public String words() {
            return words;
        }
    }

    /** Whether captures hold K and V of the layer. */
    public boolean isCached() {
        return kind == Kind.FULL || kind == Kind.SLIDING;
    }

    /** The head_dim of a role; 0 if the cache has no such tensor. A query has that of the keys it is multiplied with. */
    public int headDim(Role role) {
        return role == Role.VALUE ? valueHeadDim : keyHeadDim;
    }

    /** The kind of a word in {@code layer_types}, {@code layers_block_type} or {@code block_types}; null if unknown. */
    static @Nullable Kind kind(String word) {
        return switch (word) {
            case "full_attention", "attention", "global_attention", "hybrid" -> Kind.FULL;
            case "sliding_attention", "chunked_attention", "local_attention", "sliding_window" -> Kind.SLIDING;
            case "linear_attention", "lightning_attention", "mamba", "mamba2", "conv", "recurrent", "mlp", "moe" ->
                Kind.NO_ATTENTION;
            default -> null;
        };
    }
}
