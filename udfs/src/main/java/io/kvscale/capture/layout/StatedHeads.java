package io.kvscale.capture.layout;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The KV heads and the head_dim that recipe, config.json and the file's metadata state for a tensor; of queries the query
 * heads, which only config.json states.
 *
 * @param heads 0: not stated
 * @param headDim 0: not stated
 * @param byModel whether config.json states them
 */
record StatedHeads(int heads, int headDim, boolean byModel) {
    /** @throws InvalidDataException if two of the three differ, or the model has no such K or V */
    static StatedHeads of(TensorNames.Part part, int layer, CaptureOptions options, Map<String, String> metadata) {
        @Nullable ModelConfig model = options.model();
        @Nullable LayerCache cache = model == null ? null : cache(model, layer);
        Role first = part.roles().get(0);
        int byModel = model == null || cache == null ? 0 : model.heads(first, cache);
        // kv_heads is about K and V, in recipes and in files.
        int heads = first.isCached() ? agreed("kv_heads", options.kvHeads(), byModel, metadata) : byModel;
        int dim = cache == null ? 0 : cache.headDim(first);
        int headDim = agreed("head_dim", options.headDim(), dim, metadata);
        if (model != null && cache != null && part.roles().stream().anyMatch(role -> cache.headDim(role) != dim)) {
            throw new InvalidDataException(
                    "this tensor holds K and V together, but config.json says head_dim " + cache.headDim(Role.KEY)
                            + " for K and " + cache.headDim(Role.VALUE) + " for V",
                    "capture K and V in tensors of their own");
        }
        return new StatedHeads(heads, headDim, cache != null);
    }

    private static LayerCache cache(ModelConfig model, int layer) {
        @Nullable LayerCache cache = model.layer(layer);
        if (cache == null) {
            throw new InvalidDataException(
                    "this is layer " + layer + ", but config.json says "
                            + model.layers().size() + " layers, 0 to "
                            + (model.layers().size() - 1),
                    "give the config.json of the model that was captured");
        }
        if (!cache.isCached()) {
            throw new InvalidDataException(
                    "this tensor belongs to layer " + layer + ", which has "
                            + cache.kind().words() + " according to config.json",
                    "give the config.json of the model that was captured, or leave the layer out with ignore");
        }
        return cache;
    }

    private static int agreed(String key, int recipe, int model, Map<String, String> metadata) {
        String text = metadata.get(key);
        int inFile = text != null && text.matches("[1-9]\\d{0,6}") ? Integer.parseInt(text) : 0;
        if (recipe > 0 && model > 0 && recipe != model) {
            throw new InvalidDataException(
                    "the recipe says " + key + ": " + recipe + ", config.json says " + model,
                    "remove " + key + " under kvscale in the recipe: config.json replaces it");
        }
        int given = recipe > 0 ? recipe : model;
        if (given > 0 && inFile > 0 && given != inFile) {
            throw new InvalidDataException(
                    (recipe > 0 ? "the recipe says " + key + ": " : "config.json says " + key + " ") + given
                            + ", the file's metadata says " + inFile,
                    recipe > 0
                            ? "correct " + key + " under kvscale in the recipe, or remove it"
                            : "give the config.json of the model that was captured");
        }
        return given > 0 ? given : inFile;
    }
}
