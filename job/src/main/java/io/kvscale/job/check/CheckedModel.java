package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.Role;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint as the rules of an engine see it.
 *
 * @param modules the attention module of each layer that attends to a KV cache
 * @param mla whether the cache holds one latent tensor for each layer and no V
 * @param config what config.json says about the KV cache; null if it is not known
 */
record CheckedModel(
        Checkpoint checkpoint,
        SortedMap<Integer, String> modules,
        boolean mla,
        @Nullable ModelConfig config) {
    static CheckedModel of(Checkpoint checkpoint, AttentionNames names) {
        ModelConfig config = checkpoint.model();
        SortedMap<Integer, String> modules = new TreeMap<>(names.layers());
        modules.keySet().removeIf(layer -> config != null && !hasScales(config, layer));
        boolean latent = modules.values().stream().anyMatch(module -> hasLatent(checkpoint, module));
        return new CheckedModel(checkpoint, modules, latent || config != null && config.mla(), config);
    }

    /** A layer that reads the cache of another one has scales of its own in engines. */
    private static boolean hasScales(ModelConfig config, int layer) {
        LayerCache cache = config.layer(layer);
        return cache != null && (cache.isCached() || cache.kind() == LayerCache.Kind.SHARED);
    }

    private static boolean hasLatent(Checkpoint checkpoint, String module) {
        String weight = module + ".kv_a_proj_with_mqa.";
        SortedMap<String, String> from = checkpoint.tensors().tailMap(weight);
        return !from.isEmpty() && from.firstKey().startsWith(weight);
    }

    /** The number of heads of a layer; 0 if it is not known. */
    int heads(int layer, Role role) {
        LayerCache cache = config == null ? null : config.layer(layer);
        return config == null || cache == null ? 0 : config.heads(role, cache);
    }

    /** Whether the files that an engine reads hold tensors of a module, other than scales. */
    boolean hasWeights(String module) {
        for (String name : checkpoint.tensors().tailMap(module + ".").keySet()) {
            if (!name.startsWith(module + ".")) {
                return false;
            } else if (!checkpoint.scales().containsKey(name)) {
                return true;
            }
        }
        return false;
    }

    /** The first of {@code architectures}, as {@code LlamaForCausalLM}; empty if config.json has none. */
    String architecture() {
        return checkpoint.config().path("architectures").path(0).asText("");
    }

    /** The model's quantization config; a missing node if it has none. */
    JsonNode quantization() {
        return checkpoint.quantization();
    }

    /** Whether the files that an engine reads hold any scale of the KV cache. */
    boolean hasScales() {
        return !checkpoint.scales().isEmpty();
    }
}
