package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.job.evaluation.JobScales;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckCommandTest {
    private static final String CONFIG = "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {},"
            + " \"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\", \"symmetric\": true, \"strategy\": \"tensor\"}}";

    @TempDir
    private Path temporary;

    /** A Llama of three layers, of which the last has scales only if asked for. */
    private Path model(String name, boolean whole) {
        CheckpointFolder folder =
                CheckpointFolder.llama(temporary.resolve(name), 3).quantization(CONFIG);
        for (int layer = 0; layer < (whole ? 3 : 2); layer++) {
            String module = CheckpointFolder.LLAMA.formatted(layer);
            folder.scale(module + ".k_scale", 0.5f).scale(module + ".v_scale", 0.25f);
        }
        return folder.write();
    }

    private Path scales(float scale, int layers) {
        Slot[] slots = IntStream.range(0, layers)
                .boxed()
                .flatMap(layer -> Stream.of(new Slot(layer, Role.KEY), new Slot(layer, Role.VALUE)))
                .toArray(Slot[]::new);
        return Capture.put(
                temporary.resolve("kv_scales.json"),
                JobScales.of(QuantizationScheme.fp8(), 2, 8, scale, slots).toJson());
    }

    @Test
    void printsALineForEachLayer() {
        Path model = model("m", true);
        Cli cli = Cli.run("check", "--model", model).isDone();
        assertThat(cli.out()).isEqualTo("""
                        %s: vLLM 0.33.0, quant_method compressed-tensors
                        cache: --kv-cache-dtype auto means fp8
                        layer  k_scale  v_scale  K       V
                            0      0.5     0.25  loaded  loaded
                            1      0.5     0.25  loaded  loaded
                            2      0.5     0.25  loaded  loaded
                        note: on AMD MI300 vLLM does not adapt scales of compressed-tensors to the GPU's fp8 format: large values saturate
                        all 3 layers run as intended
                        """.formatted(model));
    }

    @Test
    void aLayerWithoutScalesIsDifferent() {
        Path model = model("m", false);
        Cli cli = Cli.run("check", "--model", model, "--for", "sglang");
        assertThat(cli.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(cli.out())
                .contains("    2      1.0      1.0  1.0     1.0")
                .contains("layer 2 key: no tensor of the checkpoint becomes model.layers.2.self_attn.attn.k_scale")
                .endsWith("1 of 3 layers do not run with their scales\n");
        Cli.run("check", "--model", model, "--skip-layers", "2").isDone();
    }

    @Test
    void printsJsonWithStableKeys() {
        Cli cli = Cli.run("check", "--model", model("m", false), "--json");
        assertThat(cli.code()).isEqualTo(ExitCode.DIFFERENT);
        JsonNode json = Folder.json(cli.out());
        assertThat(json.fieldNames())
                .toIterable()
                .containsExactly(
                        "model",
                        "for",
                        "rules",
                        "quant_method",
                        "auto_kv_cache_dtype",
                        "needed_kv_cache_dtype",
                        "ok",
                        "layers",
                        "ignored",
                        "notes");
        assertThat(json.path("ok").booleanValue()).isFalse();
        assertThat(json.at("/layers/0/key").toString())
                .isEqualTo("{\"state\":\"loaded\",\"scale\":[0.5],\"tensor\":\"model.layers.0.self_attn.k_scale\","
                        + "\"file\":\"model.safetensors\",\"reason\":null}");
        assertThat(json.at("/layers/2/value/state").textValue()).isEqualTo("unscaled");
    }

    @Test
    void scalesAreComparedBitForBit() {
        Path model = model("m", true);
        Path scales = scales(0.5f, 3);
        Cli cli = Cli.run("check", "--model", model, "--scales", scales);
        assertThat(cli.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(cli.out())
                .contains("    0      0.5     0.25  loaded  differs")
                .contains("layer 0 value and 2 more: the scale is 0.25, --scales has 0.5");
        Cli fewer = Cli.run("check", "--model", model, "--scales", scales(0.5f, 2));
        assertThat(fewer.out()).contains("layer 2 key and 1 more: --scales has no scale for it");
        Cli.run("check", "--model", model, "--scales", scales(0.5f, 4))
                .fails(ExitCode.DATA, "the model has no attention layer for it", "layer 3 key", "--scales");
    }

    @Test
    void scalesOfQueriesAreAskedOfVllmOnly() {
        CheckpointFolder folder =
                CheckpointFolder.llama(temporary.resolve("m"), 2).quantization(CONFIG);
        for (int layer = 0; layer < 2; layer++) {
            String module = CheckpointFolder.LLAMA.formatted(layer);
            folder.scale(module + ".k_scale", 0.5f).scale(module + ".v_scale", 0.5f);
        }
        Path model = folder.scale("model.layers.0.self_attn.q_scale", 0.5f).write();
        Slot[] slots = IntStream.range(0, 2)
                .boxed()
                .flatMap(layer -> Stream.of(Role.values()).map(role -> new Slot(layer, role)))
                .toArray(Slot[]::new);
        Path scales = Capture.put(
                temporary.resolve("kv_scales.json"),
                JobScales.of(QuantizationScheme.fp8(), 2, 8, 0.5f, slots).toJson());
        Cli cli = Cli.run("check", "--model", model, "--scales", scales);
        assertThat(cli.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(cli.out())
                .contains("layer  k_scale  v_scale  q_scale  K       V       Q")
                .contains("    0      0.5      0.5      0.5  loaded  loaded  loaded")
                .contains("    1      0.5      0.5      1.0  loaded  loaded  1.0")
                .contains("layer 1 query: no tensor of the checkpoint becomes model.layers.1.self_attn.attn.q_scale");
        assertThat(Cli.run("check", "--model", model).isDone().out()).doesNotContain("q_scale");
        Cli.run("check", "--model", model, "--scales", scales, "--for", "sglang")
                .isDone();
    }

    @Test
    void mistakesOfUsageAreNamed() {
        Path model = model("m", true);
        Cli.run("check", "--model", model, "--for", "lmdeploy")
                .fails(ExitCode.USAGE, "--for must be vllm, sglang, tensorrt-llm");
        Cli.run("check", "--model", model, "--skip-layers", "3-1").fails(ExitCode.USAGE, "--skip-layers: '3-1'");
        Cli.run("check", "--model", model, "--prefix", "language_model.model")
                .fails(
                        ExitCode.DATA,
                        "no attention weights below language_model.model.layers.{}.self_attn; it has"
                                + " model.layers.{}.self_attn (3 layers)");
        Cli.run("check", "--model", temporary).fails(ExitCode.DATA, "the folder has no config.json");
        Cli.run("check", "--model", model, "--scales", model).fails(ExitCode.DATA, "the path holds no scale table");
    }

    @Test
    void namesFromFilesAreEscaped() {
        Path model = CheckpointFolder.llama(temporary.resolve("m"), 1)
                .quantization("{\"quant_method\": \"x\\u001b[2J\"}")
                .scale("a\u001b[2J.k_scale", 1)
                .write();
        assertThat(Cli.run("check", "--model", model).out())
                .contains("quant_method x\\u001B[2j")
                .contains("first a\\u001B[2J.k_scale")
                .doesNotContain("\u001b");
    }
}
