package io.kvscale.job.checkpoint;

import io.kvscale.json.Json;
import io.kvscale.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Writes the folder of a small model for tests: config.json, weights, scales, an index. */
public final class CheckpointFolder {
    public static final String LLAMA = "model.layers.%d.self_attn";

    private final Path folder;
    private final Map<String, SafetensorsWriter> files = new LinkedHashMap<>();
    private final Map<String, String> weightMap = new TreeMap<>();
    private String file = "model.safetensors";

    public CheckpointFolder(Path folder) {
        this.folder = folder;
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A Llama of some layers with 2 KV heads, in one file, with the weights of its attention. */
    public static CheckpointFolder llama(Path folder, int layers) {
        return new CheckpointFolder(folder)
                .text(
                        "config.json",
                        "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 32,"
                                + " \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"num_hidden_layers\": "
                                + layers + "}")
                .attention(LLAMA, layers);
    }

    /** The tensors that follow go into this file. */
    public CheckpointFolder file(String name) {
        file = name;
        return this;
    }

    public CheckpointFolder text(String name, String content) {
        try {
            Files.writeString(folder.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Sets {@code quantization_config} in config.json. */
    public CheckpointFolder quantization(String config) {
        try {
            String text = Files.readString(folder.resolve("config.json")).strip();
            return text(
                    "config.json", text.substring(0, text.length() - 1) + ", \"quantization_config\": " + config + "}");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Adds {@code k_proj} and other weights of layers; {@code %d} in the module stands for the number. */
    public CheckpointFolder attention(String module, int layers) {
        IntStream.range(0, layers)
                .forEach(layer -> List.of("q_proj", "k_proj", "v_proj", "o_proj")
                        .forEach(leaf -> weight(module.formatted(layer) + "." + leaf + ".weight")));
        return this;
    }

    public CheckpointFolder weight(String name) {
        return tensor(name, "BF16", List.of(2L), new byte[4]);
    }

    /** Adds an F32 tensor of one dimension. */
    public CheckpointFolder scale(String name, float... values) {
        return scale(name, List.of((long) values.length), values);
    }

    public CheckpointFolder scale(String name, List<Long> shape, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return tensor(name, "F32", shape, bytes.array());
    }

    public CheckpointFolder tensor(String name, String dtype, List<Long> shape, byte[] data) {
        files.computeIfAbsent(file, any -> new SafetensorsWriter()).add(name, dtype, shape, data);
        weightMap.put(name, file);
        return this;
    }

    /** Takes the tensor out of the index that {@link #index} writes. */
    public CheckpointFolder unlisted(String name) {
        weightMap.remove(name);
        return this;
    }

    /** Writes an index with all tensors so far. */
    public CheckpointFolder index() {
        return text("model.safetensors.index.json", Json.text(Map.of("metadata", Map.of(), "weight_map", weightMap)));
    }

    /** Writes the files of tensors. */
    public Path write() {
        files.forEach((name, tensors) -> {
            try (OutputStream out = Files.newOutputStream(folder.resolve(name))) {
                tensors.writeTo(out);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return folder;
    }

    /** Writes the files of tensors, and reads the folder. */
    public Checkpoint read() {
        return Checkpoint.read(write().toString());
    }
}
