package io.kvscale.job.checkpoint;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The names of a model's attention modules, below which its checkpoint holds the scales.
 *
 * @param prefix what stands before the number of a layer, such as {@code model.layers.}
 * @param suffix what stands behind it, such as {@code .self_attn}
 * @param layers the name of each layer's module, by number; empty if no checkpoint was read
 */
public record AttentionNames(String prefix, String suffix, SortedMap<Integer, String> layers) {
    /** The names of Llama, Qwen, Mistral and most other families: {@code model.layers.N.self_attn}. */
    public static final AttentionNames PLAIN = new AttentionNames("model.layers.", ".self_attn", new TreeMap<>());

    /** Stands for the number of a layer in {@code --prefix}. */
    private static final String NUMBER = "{}";

    /**
     * The names of a checkpoint's decoder, found by its weights of K such as {@code k_proj.weight}.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the checkpoint has no such weights, or several groups of layers
     *     of which none is clearly the decoder; it lists them
     */
    public static AttentionNames of(Checkpoint checkpoint) {
        return new AttentionFinder(checkpoint).decoder();
    }

    /**
     * The names that {@code --prefix} states.
     *
     * @param prefix the module of a layer with {@code {}} for its number, as {@code model.layers.{}.self_attn}; or what
     *     stands before {@code .layers.N.self_attn}, as {@code language_model.model}
     * @throws io.kvscale.tensor.InvalidDataException if the checkpoint has no attention weights below such names
     */
    public static AttentionNames of(Checkpoint checkpoint, String prefix) {
        return new AttentionFinder(checkpoint).named(named(prefix));
    }

    /** The names that {@code --prefix} states, without a checkpoint. */
    public static AttentionNames named(String prefix) {
        int at = prefix.indexOf(NUMBER);
        return at < 0
                ? new AttentionNames(prefix + ".layers.", ".self_attn", new TreeMap<>())
                : new AttentionNames(prefix.substring(0, at), prefix.substring(at + 2), new TreeMap<>());
    }

    /** The module of a layer, such as {@code model.layers.0.self_attn}. */
    public String of(int layer) {
        @Nullable String known = layers.get(layer);
        return known == null ? prefix + layer + suffix : known;
    }

    /** The names with {@code {}} for the number of a layer, as {@code --prefix} takes them. */
    public String pattern() {
        return prefix + NUMBER + suffix;
    }
}
