package io.kvscale.model.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;

/** The cache geometry, vocabulary and limits in a model's config.json, as transformers writes it. */
record ModelConfig(int layers, int queryHeads, int kvHeads, int headDim, int vocabulary, int maxPositions) {
    static final String FILE = "config.json";

    private static final int MAX_BYTES = 16 << 20;

    /** @throws InvalidDataException if the file is missing, is not a JSON object, or lacks a key */
    static ModelConfig read(DecoderGraph.Folder folder) throws IOException {
        byte[] json;
        try (InputStream in = folder.open(FILE)) {
            json = in.readNBytes(MAX_BYTES + 1);
            if (json.length > MAX_BYTES) {
                throw bad("config.json has more than " + MAX_BYTES + " bytes");
            }
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw bad("the model's folder has no config.json");
        }
        JsonNode root;
        try {
            root = Json.LENIENT_FILE.readTree(json);
        } catch (IOException e) {
            throw bad("config.json is not valid JSON: " + JsonProblem.whatAndWhere(e));
        }
        if (!root.isObject()) {
            throw bad("config.json is not a JSON object");
        }
        // Multimodal models describe their decoder in text_config.
        return of(root.path("text_config").isObject() ? root.get("text_config") : root);
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
            throw bad("config.json: " + kvHeads + " KV heads times head_dim " + headDim + " is not within 1.."
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
                    + ", expected an integer within 1.." + most);
        }
        return value.intValue();
    }

    private static InvalidDataException bad(String what) {
        return new InvalidDataException(
                what, "copy config.json from the model's Hugging Face folder beside the graph, as exporters do");
    }
}
