package io.kvscale.job.checkpoint;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The names of a model's attention modules, below which its checkpoint holds the scales.
 *
 * @param prefix what stands before the number of a layer, such as {@code model.layers.}
 * @param suffix what stands behind it, such as {@code .self_attn}
 * @param layers the name of each layer's module, where they do not follow prefix and suffix
 */
public record AttentionNames(String prefix, String suffix, SortedMap<Integer, String> layers) {
    /** The names of Llama, Qwen, Mistral and most other families: {@code model.layers.N.self_attn}. */
    public static final AttentionNames PLAIN = new AttentionNames("model.layers.", ".self_attn", new TreeMap<>());

    /** The module of a layer, such as {@code model.layers.0.self_attn}. */
    public String of(int layer) {
        @Nullable String known = layers.get(layer);
        return known == null ? prefix + layer + suffix : known;
    }
}
