package io.kvscale.model.onnx;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.InvalidDataException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.List;

/** The cache geometry, vocabulary and limits of a model that kvscale runs: all layers have K and V of one shape. */
record DecoderConfig(int layers, int queryHeads, int kvHeads, int headDim, int vocabulary, int maxPositions) {
    /** @throws InvalidDataException if config.json is missing, cannot be read, or describes another kind of model */
    static DecoderConfig read(DecoderGraph.Folder folder) throws IOException {
        try (InputStream in = folder.open(ModelConfig.FILE)) {
            return of(ModelConfig.read(in, ""));
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw bad("the model's folder has no config.json");
        }
    }

    private static DecoderConfig of(ModelConfig config) {
        List<LayerCache> layers = config.layers();
        LayerCache first = layers.get(0);
        for (LayerCache layer : layers) {
            if (!layer.isCached()
                    || layer.kvHeads() != first.kvHeads()
                    || layer.keyHeadDim() != first.keyHeadDim()
                    || layer.valueHeadDim() != first.keyHeadDim()) {
                throw new InvalidDataException(
                        "config.json gives layers " + layers.indexOf(first) + " and " + layers.indexOf(layer)
                                + " different KV caches, or none; kvscale runs only models whose layers have K and V of"
                                + " one shape",
                        "capture K and V with the model's own code, and give them to --input");
            }
        }
        if (config.vocabulary() == 0 || config.maxPositions() == 0) {
            throw bad("config.json has no " + (config.vocabulary() == 0 ? "vocab_size" : "max_position_embeddings"));
        }
        return new DecoderConfig(
                layers.size(),
                config.queryHeads(),
                first.kvHeads(),
                first.keyHeadDim(),
                config.vocabulary(),
                config.maxPositions());
    }

    private static InvalidDataException bad(String what) {
        return new InvalidDataException(
                what, "copy config.json from the model's Hugging Face folder beside the graph, as exporters do");
    }
}
