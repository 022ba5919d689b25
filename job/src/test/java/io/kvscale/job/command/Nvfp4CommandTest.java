package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVFP4 scales from statistics of a run with another scheme: the file, and the commands that read it. */
class Nvfp4CommandTest {
    private static final String NVFP4 = "num_bits: 4, type: float, strategy: tensor_group, dynamic: local";

    @TempDir
    private Path work;

    private Path statistics = Path.of("");

    @BeforeEach
    void calibrate() {
        Path input = work.resolve("in");
        for (int i = 0; i < 3; i++) {
            Capture.of(2, 2 + i, i).write(input.resolve("s" + i + ".safetensors"));
        }
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", input, "--output", work.resolve("fp8"))
                .isDone();
        statistics = work.resolve("fp8").resolve("statistics.kvstats");
    }

    private Cli scales(String name, Path recipe) {
        return Cli.run("scales", "--statistics", statistics, "--recipe", recipe, "--output", work.resolve(name));
    }

    @Test
    void theShippedRecipeGivesTheDefaultConventionWithItsName() {
        Cli done = scales("out", Folder.HOME.resolve("conf/recipes/nvfp4.yaml")).isDone();
        assertThat(done.out()).contains("tensor_group of 16", "global scale absmax_448 (absmax/448)", "k_scale");
        assertThat(done.err())
                .contains("warning: no files written for vLLM", "layer 0 key is FP4_E2M1, tensor_group", "fp8");
        assertThat(work.resolve("out/vllm")).doesNotExist();
        JsonNode table = Folder.json(work.resolve("out/kv_scales.json"));
        assertThat(table.get("scheme").get("strategy").asText()).isEqualTo("tensor_group");
        assertThat(table.get("scheme").get("global_scale").asText()).isEqualTo("absmax_448");
        assertThat(table.get("layers")).hasSize(2);
        for (JsonNode layer : table.get("layers")) {
            for (String role : List.of("key", "value")) {
                JsonNode slot = layer.get(role);
                float absmax =
                        Math.max(-slot.get("min").floatValue(), slot.get("max").floatValue());
                assertThat(slot.get("shape")).hasToString("[1]");
                assertThat(slot.get("scale")).hasSize(1);
                assertThat(slot.get("scale").get(0).floatValue()).isEqualTo(absmax / 448f);
                assertThat(slot.get("error")).isNull();
                assertThat(slot.get("scheme")).isNull();
            }
        }
    }

    @Test
    void anotherConventionGivesOtherScales() {
        scales("default", Folder.recipe(work, NVFP4)).isDone();
        scales("divisor", Folder.recipe(work, NVFP4, "kvscale: {global_scale: divisor}"))
                .isDone();
        scales("multiplier", Folder.recipe(work, NVFP4, "kvscale: {global_scale: multiplier}"))
                .isDone();
        JsonNode layer = Folder.json(work.resolve("multiplier/kv_scales.json"))
                .get("layers")
                .get(0);
        float absmax = Math.max(
                -layer.get("key").get("min").floatValue(),
                layer.get("key").get("max").floatValue());
        assertThat(layer.get("key").get("scale").get(0).floatValue()).isEqualTo(absmax / 2688f);
        JsonNode divisor = Folder.json(work.resolve("divisor/kv_scales.json"))
                .get("layers")
                .get(0);
        assertThat(divisor.get("key").get("scale").get(0).floatValue()).isEqualTo((1f / absmax) * 2688f);
        for (String other : new String[] {"default", "divisor"}) {
            Cli differs = Cli.run("compare", work.resolve(other), work.resolve("multiplier"));
            assertThat(differs.code()).isEqualTo(ExitCode.DIFFERENT);
            Cli.run("compare", work.resolve(other), work.resolve(other)).isDone();
        }
        assertThat(Cli.run("inspect", work.resolve("multiplier")).isDone().out())
                .contains("global scale multiplier (absmax/2688)");
        JsonNode inspected = Folder.json(Cli.run("inspect", "--json", work.resolve("multiplier"))
                .isDone()
                .out());
        assertThat(inspected.get(0).get("scheme").get("global_scale").asText()).isEqualTo("multiplier");
    }

    @Test
    void aTableEditedByHandMustNameItsConvention() {
        scales("out", Folder.recipe(work, NVFP4)).isDone();
        String text = Folder.text(work.resolve("out/kv_scales.json"));
        Path other = Folder.write(work.resolve("other.json"), text.replace("\"absmax_448\"", "\"multiplier\""));
        assertThat(Cli.run("compare", work.resolve("out"), other).code()).isEqualTo(ExitCode.DIFFERENT);
        Path unnamed = Folder.write(
                work.resolve("unnamed.json"), text.replaceFirst("\"global_scale\" : \"absmax_448\",\\s*", ""));
        Cli.run("inspect", unnamed).fails(ExitCode.DATA, "unnamed.json", "does not say its global_scale");
    }

    @Test
    void valuesAloneMayBeNvfp4() {
        Path recipe = Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: tensor",
                "kvscale: {value: {scheme: {num_bits: 4, strategy: tensor_group}}, global_scale: multiplier}");
        scales("mixed", recipe).isDone();
        JsonNode table = Folder.json(work.resolve("mixed/kv_scales.json"));
        assertThat(table.get("scheme").get("global_scale")).isNull();
        JsonNode layer = table.get("layers").get(1);
        assertThat(layer.get("key").get("scheme")).isNull();
        assertThat(layer.get("value").get("scheme").get("global_scale").asText())
                .isEqualTo("multiplier");
    }

    @Test
    void errorsOfDerivationNameTheSlot() {
        scales("no", Folder.recipe(work, NVFP4 + ", observer: percentile"))
                .fails(ExitCode.DATA, "needs histograms", "layer 0 key");
        scales("no", Folder.recipe(work, NVFP4 + ", observer: mse")).fails(ExitCode.USAGE, "no global scale of NVFP4");
        Path input = work.resolve("odd");
        new Capture()
                .add("layers.0.keys", "F32", List.of(1L, 2L, 3L, 24L), e -> e)
                .add("layers.0.values", "F32", List.of(1L, 2L, 3L, 24L), e -> e)
                .write(input.resolve("s.safetensors"));
        Cli.run("calibrate", "--recipe", Folder.recipe(work, NVFP4), "--input", input, "--output", work.resolve("no"))
                .fails(ExitCode.DATA, "group_size 16 does not divide head_dim 24", "layer 0 key", "another strategy");
        assertThat(work.resolve("no")).doesNotExist();
    }
}
