package io.kvscale.model.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What a model's config.json says of its cache, in the words of transformers. */
public record ModelConfig(int layers, int queryHeads, int kvHeads, int headDim, int vocabulary, int maxPositions) {
    public static final String FILE = "config.json";

    private static final int MAX_BYTES = 16 << 20;

    /** @throws InvalidDataException if the file is missing, no JSON object, or lacks what is needed */
    public static ModelConfig read(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        JsonNode root;
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw bad("config.json has " + Files.size(file) + " bytes, at most " + MAX_BYTES);
            }
            root = Json.LENIENT.readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw missing();
        } catch (JsonProcessingException e) {
            throw bad("config.json is no JSON: " + e.getOriginalMessage());
        }
        if (!root.isObject()) {
            throw bad("config.json is no JSON object");
        }
        // Models that see images, too, keep what describes their decoder apart.
        return of(root.path("text_config").isObject() ? root.get("text_config") : root);
    }

    public static InvalidDataException missing() {
        return bad("the model's folder has no config.json");
    }

    private static ModelConfig of(JsonNode json) {
        int queryHeads = number(json, "num_attention_heads", Geometry.MAX_CHANNELS);
        int kvHeads = json.hasNonNull("num_key_value_heads")
                ? number(json, "num_key_value_heads", Geometry.MAX_CHANNELS)
                : queryHeads;
        int headDim = json.hasNonNull("head_dim")
                ? number(json, "head_dim", Geometry.MAX_CHANNELS)
                : number(json, "hidden_size", Integer.MAX_VALUE) / queryHeads;
        if (headDim < 1 || (long) kvHeads * headDim > Geometry.MAX_CHANNELS) {
            throw bad("config.json: " + kvHeads + " heads of head_dim " + headDim + " are not within 1.."
                    + Geometry.MAX_CHANNELS + " channels");
        }
        return new ModelConfig(
                number(json, "num_hidden_layers", Slot.MAX_LAYER + 1),
                queryHeads,
                kvHeads,
                headDim,
                number(json, "vocab_size", Integer.MAX_VALUE),
                number(json, "max_position_embeddings", Integer.MAX_VALUE));
    }

    private static int number(JsonNode json, String key, int most) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            throw bad("config.json has no " + key);
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1 || value.intValue() > most) {
            throw bad("config.json: " + key + " is " + DataProblem.shown(value.toString())
                    + ", a whole number within 1.." + most + " expected");
        }
        return value.intValue();
    }

    private static InvalidDataException bad(String what) {
        return new InvalidDataException(DataProblem.of(
                what, "put the config.json of the model's Hugging Face folder beside the graph; the exporters do"));
    }
}
