package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.CheckpointFolder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What inspect shows of model folders and of the files that engines load. */
class InspectModelTest {
    @TempDir
    private Path folder;

    @Test
    void aModelIsShownAsCheckShowsIt() {
        Path model = CheckpointFolder.llama(folder.resolve("m"), 1)
                .quantization("{\"quant_method\": \"fp8\"}")
                .scale("model.layers.0.self_attn.k_scale", 0.5f)
                .write();
        Cli shown = Cli.run("inspect", model).isDone();
        assertThat(shown.out())
                .isEqualTo(Cli.run("check", "--model", model).out())
                .contains("V runs with the scale of K");
        JsonNode json =
                Folder.json(Cli.run("inspect", "--json", model).isDone().out()).get(0);
        assertThat(json.path("kind").textValue()).isEqualTo("model");
        assertThat(json.path("needed_kv_cache_dtype").textValue()).isEqualTo("fp8");
    }

    @Test
    void theFilesOfEnginesHaveKinds() {
        List<Path> files = List.of(
                Folder.write(
                        folder.resolve("hf_quant_config.json"),
                        "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"kv_cache_quant_algo\": \"NVFP4\"}}"),
                Folder.write(
                        folder.resolve("kv_cache_scales.json"),
                        "{\"scales\": {\"k_scales\": [0.5], \"v_scales\": [0.25]}, \"layer_ids\": [0]}"),
                Folder.write(folder.resolve("quant_model_description.json"), "{\"kv_cache_type\": \"C8\"}"),
                Folder.write(folder.resolve("record.txt"), "scale: 0.5 offset: 0\nscale: 0.25 offset: 0\n"),
                new CheckpointFolder(folder)
                        .scale("model.layers.0.self_attn.k_proj.kv_cache_scale", 0.5f, 0.25f)
                        .write()
                        .resolve("model.safetensors"));
        Cli shown = Cli.run("inspect", "--json", files.get(0), files.get(1), files.get(2), files.get(3), files.get(4))
                .isDone();
        JsonNode json = Folder.json(shown.out());
        assertThat(json)
                .extracting(file -> file.get("kind").textValue())
                .containsExactly(
                        "modelopt config", "ort-genai scales", "ascend description", "lmdeploy record", "vllm scales");
        assertThat(json.get(3).get("scales").toString()).isEqualTo("[\"0.5\",\"0.25\"]");
        assertThat(json.get(4)
                        .get("model.layers.0.self_attn.k_proj.kv_cache_scale")
                        .toString())
                .isEqualTo("[0.5,0.25]");
        assertThat(Cli.run("inspect", files.get(3)).isDone().out()).contains("lmdeploy record", "0.5, 0.25");
    }

    @Test
    void scalesOfOtherTypesAreNotShownAsF32() {
        Path file = new CheckpointFolder(folder)
                .tensor("model.layers.0.self_attn.k_scale", "BF16", List.of(2L), new byte[4])
                .write()
                .resolve("model.safetensors");
        Cli.run("inspect", file).fails(ExitCode.DATA, "K or V");
    }
}
