package io.kvscale.model.config;

import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model's config.json says about its KV cache, with the keys and defaults of transformers.
 *
 * @param modelType {@code model_type}, as {@code llama}; empty if the file has none
 * @param architecture the first of {@code architectures}, as {@code LlamaForCausalLM}; empty if the file has none
 * @param mla whether the cache holds one latent tensor for each layer and no V (multi-head latent attention)
 * @param queryHeads number of query heads
 * @param vocabulary {@code vocab_size}; 0 if the file has none
 * @param maxPositions {@code max_position_embeddings}; 0 if the file has none
 * @param layers one for each layer of the decoder
 */
public record ModelConfig(
        String modelType,
        String architecture,
        boolean mla,
        int queryHeads,
        int vocabulary,
        int maxPositions,
        List<LayerCache> layers)
        implements Serializable {
    /** The name of the file in a model's folder. */
    public static final String FILE = "config.json";

    private static final int MAX_BYTES = 16 << 20;

    public ModelConfig {
        layers = List.copyOf(layers);
    }

    /**
     * Reads a config.json.
     *
     * @param json the content; not trusted
     * @param file its name, for messages; empty if it is clear from the context
     * @throws io.kvscale.tensor.InvalidDataException if it is not the config of a decoder, lacks a key or contradicts
     *     itself
     */
    public static ModelConfig parse(byte[] json, String file) {
        return ConfigReader.read(json, file);
    }

    /**
     * Reads at most 16 MB of a stream as a config.json.
     *
     * @throws io.kvscale.tensor.InvalidDataException as {@link #parse}, or if there is more
     */
    public static ModelConfig read(InputStream in, String file) throws IOException {
        byte[] json = in.readNBytes(MAX_BYTES + 1);
        if (json.length > MAX_BYTES) {
            throw new InvalidDataException(
                    ConfigJson.problem("config.json has more than " + MAX_BYTES + " bytes", file));
        }
        return parse(json, file);
    }

    /** The cache of a layer; null if the model has no such layer. */
    public @Nullable LayerCache layer(int layer) {
        return layer < layers.size() ? layers.get(layer) : null;
    }

    /** The heads of a slot of a layer: the query heads, or the KV heads of the layer. */
    public int heads(Role role, LayerCache cache) {
        return role == Role.QUERY ? queryHeads : cache.kvHeads();
    }

    /** Whether captures of the model hold this slot. */
    public boolean holds(Slot slot) {
        LayerCache cache = layer(slot.layer());
        return cache != null && cache.isCached() && cache.headDim(slot.role()) > 0;
    }

    /** The name of the model for people: its architecture or type. */
    public String shown() {
        return architecture.isEmpty() ? modelType.isEmpty() ? "the model" : modelType : architecture;
    }
}
