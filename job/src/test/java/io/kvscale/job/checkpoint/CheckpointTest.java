package io.kvscale.job.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final String SCALE = "model.layers.0.self_attn.k_scale";

    @TempDir
    private Path temporary;

    private Path model() {
        return temporary.resolve("m");
    }

    private CheckpointFolder llama() {
        return CheckpointFolder.llama(model(), 2);
    }

    @Test
    void readsNamesAndScalesOfAllFilesWithoutAnIndex() {
        Checkpoint read =
                llama().file("model-kvscales.safetensors").scale(SCALE, 0.5f).read();
        assertThat(read.files()).containsExactly("model-kvscales.safetensors", "model.safetensors");
        assertThat(read.tensors())
                .hasSize(9)
                .containsEntry("model.layers.1.self_attn.k_proj.weight", "model.safetensors");
        assertThat(read.scales()).containsOnlyKeys(SCALE);
        assertThat(read.scales().get(SCALE).values()).containsExactly(0.5f);
        assertThat(read.scales().get(SCALE).shape()).containsExactly(1L);
        assertThat(read.layers()).hasValue(2);
        assertThat(read.quantMethod()).isEmpty();
    }

    @Test
    void readsOnlyTheFilesThatTheIndexNames() {
        Checkpoint read = llama().index()
                .file("model-kvscales.safetensors")
                .scale(SCALE, 0.5f)
                .read();
        assertThat(read.files()).containsExactly("model.safetensors");
        assertThat(read.unread()).containsExactly("model-kvscales.safetensors");
        assertThat(read.scales()).isEmpty();
    }

    @Test
    void convertsEachTypeOfScaleToF32() {
        Checkpoint read = llama().tensor("a.k_scale", "BF16", List.of(), new byte[] {0, 0x3f})
                .tensor("b.k_scale", "F16", List.of(1L), new byte[] {0, 0x38})
                .tensor(
                        "c.k_scale",
                        "F64",
                        List.of(1L),
                        ByteBuffer.allocate(8)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putDouble(0.1)
                                .array())
                .tensor("d.k_scale", "F8_E4M3", List.of(1L), new byte[1])
                .read();
        assertThat(read.scales().get("a.k_scale").values()).containsExactly(0.5f);
        assertThat(read.scales().get("b.k_scale").values()).containsExactly(0.5f);
        assertThat(read.scales().get("c.k_scale").values()).containsExactly(0.1f);
        assertThat(read.scales().get("d.k_scale").values()).isNull();
    }

    @Test
    void knowsTheScalesOfAllProducersByTheirNames() {
        assertThat(List.of(
                        "model.layers.0.self_attn.k_proj.k_scale",
                        "model.layers.0.self_attn.k_proj.output_scale",
                        "model.layers.0.self_attn.kv_scale",
                        "model.layers.0.self_attn.k_cache.scale",
                        "model.layers.0.self_attn.k_proj.kv_cache_offset",
                        "k_scale"))
                .allMatch(CheckpointScale::isScale);
        assertThat(List.of(
                        "model.layers.0.self_attn.k_proj.weight_scale",
                        "model.layers.0.self_attn.o_proj.output_scale",
                        "model.layers.0.mlp.scale",
                        "k_scale.weight",
                        "output_scale",
                        ""))
                .noneMatch(CheckpointScale::isScale);
    }

    @Test
    void takesTheConfigsThatPythonWrites() {
        Checkpoint read = llama().text(
                        "config.json",
                        "{\"model_type\": \"bert\", \"model_type\": \"llama\", \"time_step_limit\": [0.0, Infinity],"
                                + " \"hidden_size\": 32, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
                                + " \"num_hidden_layers\": 2}")
                .read();
        assertThat(read.config().path("time_step_limit").get(1).doubleValue()).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(read.config().path("model_type").textValue()).isEqualTo("llama");
    }

    @Test
    void findsTheQuantMethodWhereEnginesLookForIt() {
        assertThat(llama().quantization("{\"quant_method\": \"FP8\"}").read().quantMethod())
                .isEqualTo("fp8");
        assertThat(llama().text(
                                "hf_quant_config.json",
                                "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": \"FP8\"}}")
                        .read()
                        .quantMethod())
                .isEqualTo("modelopt");
    }

    @Test
    void aFolderWithoutConfigIsRefused() throws IOException {
        Path folder = llama().write();
        Files.delete(folder.resolve("config.json"));
        refused("the folder has no config.json", "file " + folder, "Hugging Face");
        refusedFolder(temporary.resolve("absent"), "it does not exist");
        refusedFolder(folder.resolve("model.safetensors"), "a file, not the folder of a model");
    }

    @Test
    void malformedJsonIsRefused() {
        llama().text("config.json", "{\"a\": 1").write();
        refused("not valid JSON: the text ends too early", "config.json", "original folder");
        llama().text("config.json", "[1]").write();
        refused("not a JSON object", "config.json");
        llama().text("config.json", "{\"a\":".repeat(200) + "1" + "}".repeat(200))
                .write();
        refused("nested more than", "config.json");
        llama().text("hf_quant_config.json", "{} {}").write();
        refused("more text after the first value", "hf_quant_config.json");
    }

    @Test
    void anIndexThatDoesNotFitTheFilesIsRefused() {
        llama().text("model.safetensors.index.json", "{}").write();
        refused("no weight_map", "model.safetensors.index.json");
        index("model.norm.weight", "model-2.safetensors");
        refused(
                "the file does not exist, but the index names it for 1 tensors",
                "m/model-2.safetensors, tensor model.norm.weight",
                "download or copy the whole model again");
        index("model.norm.weight", "model.safetensors");
        refused(
                "the index says that the tensor is in model.safetensors, but no file that it names holds it",
                "m/model.safetensors.index.json, tensor model.norm.weight");
    }

    @Test
    void anIndexNamesOnlyFilesOfTheFolder() throws IOException {
        Files.writeString(temporary.resolve("x.safetensors"), "secret");
        for (String name : List.of("../x.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a\\\\b")) {
            index("model.norm.weight", name);
            refused("expected the plain name of a file in the folder", "tensor model.norm.weight");
        }
        llama().text("model.safetensors.index.json", "{\"weight_map\": {\"a\": 1}}")
                .write();
        refused("weight_map names the file 1");
    }

    private void index(String tensor, String file) {
        llama().text("model.safetensors.index.json", "{\"weight_map\": {\"" + tensor + "\": \"" + file + "\"}}")
                .write();
    }

    @Test
    void aHeaderBeyondItsFileIsRefused() throws IOException {
        Path file = llama().write().resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, 100));
        refused("expected a header of", "m/model.safetensors", "cut off");
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        refused("got a file with only", "m/model.safetensors, tensor", "cut off");
    }

    @Test
    void aTensorInTwoFilesIsRefused() {
        llama().file("old.safetensors")
                .weight("model.layers.0.self_attn.k_proj.weight")
                .write();
        refused(
                "the tensor is in two files, here and in model.safetensors",
                "m/old.safetensors, tensor model.layers.0.self_attn.k_proj.weight");
    }

    @Test
    void aFolderWithoutSafetensorsIsRefused() throws IOException {
        Path folder = llama().write();
        Files.move(folder.resolve("model.safetensors"), folder.resolve("model.bin"));
        refused("the folder has no *.safetensors, only model.bin", "convert the weights to safetensors");
    }

    @Test
    void aScaleWithAValueForEachWeightIsRefused() {
        llama().tensor(SCALE, "F32", List.of(1_000_001L), new byte[4_000_004]).write();
        refused("this scale has 1000001 elements", "m/model.safetensors, tensor " + SCALE);
    }

    @Test
    void linksAreFollowedAndThoseThatLeaveTheFolderAreNamed() throws IOException {
        Path folder = llama().write();
        Path blob = Files.createDirectory(temporary.resolve("blobs")).resolve("1");
        Files.move(folder.resolve("model.safetensors"), blob);
        Files.createSymbolicLink(folder.resolve("model.safetensors"), Path.of("../blobs/1"));
        Files.createSymbolicLink(folder.resolve("inside"), Path.of("config.json"));
        Checkpoint read = Checkpoint.read(folder.toString());
        assertThat(read.tensors()).hasSize(8);
        assertThat(read.leavingLinks())
                .containsOnlyKeys("model.safetensors")
                .containsValue(blob.toRealPath().toString());
        Files.delete(blob);
        refused("a link to a file that does not exist", "m/model.safetensors");
    }

    private void refused(String... parts) {
        refusedFolder(model(), parts);
    }

    private static void refusedFolder(Path folder, String... parts) {
        assertThatThrownBy(() -> Checkpoint.read(folder.toString()))
                .isInstanceOf(InvalidDataException.class)
                .message()
                .contains(parts)
                .satisfies(message -> assertThat(message.lines().count()).isLessThanOrEqualTo(3));
    }
}
