package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.safetensors.SafetensorsWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Deriving scales from statistics, order-dependent observers, and the commands compare and inspect. */
class DerivationTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private Path work;

    private Path input = Path.of("");

    @BeforeEach
    void makeCaptures() {
        input = work.resolve("in");
        for (int i = 0; i < 5; i++) {
            Capture.of(2, 2 + i, i).write(input.resolve("s" + i + ".safetensors"));
        }
    }

    private Path calibrate(String name, Path recipe, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--input", input, "--output", work.resolve(name)));
        java.util.Collections.addAll(words, more);
        Cli.run(words.toArray()).isDone();
        return work.resolve(name);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_bits: 8, type: int, strategy: channel, symmetric: false | kvscale: {scale_dtype: input}",
                "num_bits: 4, type: int, strategy: group, group_size: 16 | kvscale: {ignore: ['layers\\.1\\.']}",
                "num_bits: 4, type: float, strategy: tensor_group | kvscale: {global_scale: multiplier}",
                "num_bits: 8, type: float, strategy: attn_head | kvscale: {value: {scheme: {strategy: tensor}}}",
            })
    void scalesWritesTheSameBytesAsCalibrate(String scheme, String rest) {
        Path recipe = Folder.recipe(work, scheme, rest);
        Path calibrated = calibrate("calibrated", recipe);
        Path other = calibrate("other", Folder.recipe(work, FP8));
        Path derived = work.resolve("derived");
        Cli done = Cli.run(
                        "scales",
                        "--report",
                        "--statistics",
                        calibrated.resolve("statistics.kvstats"),
                        "--recipe",
                        recipe,
                        "--output",
                        derived)
                .isDone();
        assertThat(done.out()).contains("k_scale", "wrote " + derived.resolve("kv_scales.json"));
        assertThat(Folder.content(derived)).isEqualTo(Folder.content(calibrated));
        if (!rest.contains("ignore")) {
            // Statistics do not depend on the scheme of the calibration.
            Cli.run(
                            "scales",
                            "--report",
                            "--statistics",
                            other.resolve("statistics.kvstats"),
                            "--recipe",
                            recipe,
                            "--output",
                            derived,
                            "--overwrite")
                    .isDone();
            assertThat(Folder.content(derived)).isEqualTo(Folder.content(calibrated));
        }
        assertThat(Folder.names(derived)).containsKey("run.json");
    }

    /** Writes five captures whose absmax is 1, 9, 2, 8, 4. */
    private void captureRamps() {
        input = work.resolve("ramps");
        double[] absmax = {1, 9, 2, 8, 4};
        for (int i = 0; i < absmax.length; i++) {
            double largest = absmax[i];
            // Names sort by their bytes, so batch-10 comes before batch-8.
            new Capture()
                    .add("layers.0.keys", "F32", List.of(1L, 2L, 3L, 32L), e -> e == 5 ? largest : -largest / 2)
                    .add("layers.0.values", "F32", List.of(1L, 2L, 3L, 32L), e -> e == 7 ? -largest : largest / 4)
                    .write(input.resolve("batch-" + (8 + i) + ".safetensors"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 64})
    void minmaxFoldsBatchesInNameOrderForAnyPartitioning(int partitions) {
        captureRamps();
        Path out = calibrate(
                "minmax",
                Folder.recipe(work, FP8 + ", observer: minmax, observer_kwargs: {averaging_constant: 0.25}"),
                "--partitions",
                partitions);
        // batch-10 (2), batch-11 (8), batch-12 (4), batch-8 (1), batch-9 (9): s = s * 0.75 + x * 0.25, exact here
        float folded = 2;
        for (float x : new float[] {8, 4, 1, 9}) {
            folded = folded * 0.75f + x * 0.25f;
        }
        JsonNode layer =
                Folder.json(out.resolve("kv_scales.json")).get("layers").get(0);
        assertThat(layer.get("key").get("range").get(0).get(1).floatValue()).isEqualTo(folded);
        assertThat(layer.get("key").get("range").get(0).get(0).floatValue()).isEqualTo(-folded / 2);
        assertThat(layer.get("value").get("range").get(0).get(0).floatValue()).isEqualTo(-folded);
        assertThat(layer.get("key").get("scale").get(0).floatValue()).isEqualTo(folded / 448);
        assertThat(layer.get("key").get("max").floatValue()).isEqualTo(9);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64})
    void memorylessMinmaxTakesTheLastBatch(int partitions) {
        captureRamps();
        Path out = calibrate(
                "last", Folder.recipe(work, FP8 + ", observer: memoryless_minmax"), "--partitions", partitions);
        JsonNode key =
                Folder.json(out.resolve("kv_scales.json")).get("layers").get(0).get("key");
        assertThat(key.get("range").get(0)).hasToString("[-4.5,9.0]");
    }

    @Test
    void compareFindsEqualAndDifferentResults() {
        Path one = calibrate("one", Folder.recipe(work, FP8));
        Path same = calibrate("same", Folder.recipe(work, FP8), "--partitions", 9);
        assertThat(Cli.run("compare", one, same).isDone().out()).contains("\nequal: the scales and all other numbers");
        Cli.run("compare", one.resolve("statistics.kvstats"), same.resolve("statistics.kvstats"))
                .isDone();
        Capture.of(2, 8, 77).write(input.resolve("more.safetensors"));
        Path other = calibrate("other", Folder.recipe(work, FP8));
        Cli differs = Cli.run("compare", one.resolve("statistics.kvstats"), other.resolve("statistics.kvstats"));
        assertThat(differs.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(differs.out())
                .contains("A_tokens  B_tokens", "samples, tokens, count, ranges", "\ndifferent: 4 of 4 slots")
                .contains("the corpus differs: A is 5 files, B is 6; not the same names and shapes were read")
                .containsOnlyOnce("layer  role");
        Path scheme = calibrate("scheme", Folder.recipe(work, "num_bits: 8, type: int, strategy: tensor"));
        differs = Cli.run("compare", other.resolve("kv_scales.json"), scheme);
        assertThat(differs.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(differs.out())
                .contains("layer", "B/A  differs", "scheme, scale", "the scheme differs: type float and int")
                .contains("\ndifferent: the scales of 4 of 4 slots; the furthest apart is layer ");
        Cli.run("compare", one, work.resolve("absent")).fails(ExitCode.DATA, "absent");
        Path broken = Folder.write(work.resolve("broken.json"), "{\"format\": \"other\"}");
        Cli.run("compare", one, broken).fails(ExitCode.DATA, "broken.json");
    }

    @Test
    void inspectShowsPresenceAndSizeOfHistograms() {
        Path range = calibrate("range", Folder.recipe(work, FP8)).resolve("statistics.kvstats");
        Path counted = calibrate("counted", Folder.recipe(work, FP8, "kvscale: {statistics: histogram}"))
                .resolve("statistics.kvstats");
        assertThat(Cli.run("inspect", range).isDone().out()).contains("histograms: none, only ranges");
        String output = Cli.run("inspect", counted).isDone().out();
        JsonNode json = Folder.json(
                Cli.run("inspect", "--json", range, counted).isDone().out());
        long bytes = 0;
        for (JsonNode slot : json.get(1).get("slots")) {
            bytes += slot.get("histogram").get("bytes").asLong();
            assertThat(slot.get("histogram").get("approximate").asBoolean())
                    .isEqualTo(slot.get("dtype").asText().equals("F32"));
        }
        int heads = 0;
        for (JsonNode slot : json.get(0).get("slots")) {
            assertThat(slot.get("histogram").isNull()).isTrue();
            heads += slot.get("heads").asInt();
        }
        assertThat(output).contains("histograms: 4 of 4 slots, " + bytes + " bytes, " + bytes / heads + " per head");
        Cli differs = Cli.run("compare", range, counted);
        assertThat(differs.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(differs.out()).contains("histograms: none, only ranges", "histograms: 4 of 4 slots");
        // The section: counts, a length per head, an index per slot, the number of slots, and the section header.
        assertThat((long) Folder.bytes(counted).length - Folder.bytes(range).length)
                .isEqualTo(bytes + 4L * heads + 4L * 4 + 4 + 1 + "histograms".length() + 2 + 8);
    }

    @Test
    void compareSaysHowFarScalesAreApartAndWhatDiffersWhereNumbersLookEqual() {
        Path out = calibrate("out", Folder.recipe(work, FP8));
        String text = Folder.text(out.resolve("kv_scales.json"));
        String scale = Folder.json(text).at("/layers/1/value/scale/0").asText();
        String half = String.valueOf(Float.parseFloat(scale) / 2);
        Path apart = Folder.write(work.resolve("apart.json"), text.replace("[ " + scale + " ]", "[ " + half + " ]"));
        assertThat(Cli.run("compare", out, apart).out())
                .endsWith("different: the scales of 2 of 4 slots; the furthest apart is layer 1 key, where B/A is 0.5"
                        + System.lineSeparator());
        Path count = Folder.write(work.resolve("count.json"), text.replaceFirst("\"nan\" : 0", "\"nan\" : 1"));
        Cli counts = Cli.run("compare", out, count);
        assertThat(counts.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(counts.out())
                .containsPattern("0 +key .* 1 +nan\\R")
                .contains(
                        "different: the scales are equal (scales_sha256 ", "but other fields of 1 of 4 slots are not");
        assertThat(Cli.run("compare", out, apart).err()).contains("warning", "apart.json", "scales_sha256");
    }

    @Test
    void statisticsOfAnotherTableAreWarnedOf() {
        Path out = calibrate("out", Folder.recipe(work, FP8));
        assertThat(Cli.run("inspect", out).isDone().err()).doesNotContain("warning");
        Folder.write(out.resolve("statistics.kvstats"), "those of another run");
        for (Cli cli : new Cli[] {Cli.run("inspect", out), Cli.run("compare", out, out.resolve("kv_scales.json"))}) {
            assertThat(cli.isDone().err())
                    .contains(
                            "warning",
                            "statistics.kvstats beside it is another one",
                            DigestUtils.sha256Hex("those of another run"));
        }
    }

    @Test
    void resultsNameTheirModelAndIdentity() {
        Path config = Folder.write(
                work.resolve("model/config.json"),
                "{\"architectures\": [\"LlamaForCausalLM\"], \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
                        + " \"num_key_value_heads\": " + heads() + ", \"head_dim\": " + headDim()
                        + ", \"hidden_size\": 64}");
        Path out = calibrate("out", Folder.recipe(work, FP8), "--model-config", config.getParent());
        JsonNode run = Folder.json(out.resolve("run.json"));
        JsonNode scales = Folder.json(out.resolve("kv_scales.json"));
        assertThat(run.get("model_config").asText())
                .isEqualTo(config.getParent().toString());
        for (String field : new String[] {"model", "scales_sha256", "statistics_sha256"}) {
            assertThat(run.get(field)).isNotNull().isEqualTo(scales.get(field));
            assertThat(Folder.text(out.resolve("report.html")))
                    .contains(scales.get(field).toString());
        }
        assertThat(scales.get("model").asText()).isEqualTo("LlamaForCausalLM");
        assertThat(scales.get("statistics_sha256").asText())
                .isEqualTo(DigestUtils.sha256Hex(Folder.bytes(out.resolve("statistics.kvstats"))));
        JsonNode plain =
                Folder.json(calibrate("plain", Folder.recipe(work, FP8)).resolve("run.json"));
        assertThat(plain.has("model") || plain.has("model_config")).isFalse();
        assertThat(plain.get("scales_sha256")).isEqualTo(run.get("scales_sha256"));
    }

    private int heads() {
        return slot().get("heads").asInt();
    }

    private int headDim() {
        return slot().get("head_dim").asInt();
    }

    private JsonNode slot() {
        Cli shown =
                Cli.run("inspect", "--json", input.resolve("s0.safetensors")).isDone();
        return Folder.json(shown.out()).get(0).get("slots").get(0);
    }

    @Test
    void inspectKnowsEveryFileOfAResult() {
        Path out = calibrate("out", Folder.recipe(work, FP8));
        Path recipe = Folder.recipe(work, FP8);
        Cli shown = Cli.run(
                        "inspect",
                        "--json",
                        out.resolve("run.json"),
                        out.resolve("report.html"),
                        out.resolve("vllm/config.json"),
                        out.resolve("vllm/model-kvscales.safetensors"),
                        out.resolve("vllm"),
                        recipe)
                .isDone();
        JsonNode files = Folder.json(shown.out());
        assertThat(files)
                .extracting(node -> node.get("kind").asText())
                .containsExactly("run record", "report", "vllm config", "vllm scales", "vllm scales", "recipe");
        assertThat(files.get(3).get("model.layers.1.self_attn.v_scale").get(0).floatValue())
                .isEqualTo(Folder.json(out.resolve("kv_scales.json"))
                        .at("/layers/1/value/scale/0")
                        .floatValue());
        assertThat(Cli.run("inspect", out.resolve("run.json")).isDone().out())
                .contains("run record", "statistics_sha256");
        Path evaluation =
                Folder.write(work.resolve("e/evaluation.json"), "{\"baseline\": {\"perplexity\": 2}, \"schemes\": []}");
        assertThat(Cli.run("inspect", evaluation, evaluation.getParent())
                        .isDone()
                        .out())
                .contains("evaluation.json: evaluation", "e: evaluation");
    }

    @Test
    void inspectFailsWhereNothingIsKnownOrNoKOrVIsFound() throws IOException {
        Path config = Folder.write(work.resolve("config.json"), "{\"model_type\": \"llama\"}");
        Cli.run("inspect", config).fails(ExitCode.DATA, "config.json", "no file that kvscale writes", "--model-config");
        Path page = Folder.write(work.resolve("page.html"), "<!DOCTYPE html><title>x</title>");
        Cli.run("inspect", page).fails(ExitCode.DATA, "page.html", "no report of kvscale");
        Path foreign = work.resolve("foreign");
        for (String name : new String[] {"a", "b"}) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            new SafetensorsWriter()
                    .add("lm_head.weight", "F32", List.of(1L), new byte[4])
                    .writeTo(bytes);
            Capture.put(foreign.resolve(name + ".safetensors"), bytes.toByteArray());
        }
        Cli.run("inspect", foreign).fails(ExitCode.DATA, "foreign", "2 files", "K or V", "lm_head.weight");
        Cli.run("inspect", foreign.resolve("a.safetensors")).fails(ExitCode.DATA, "K or V", "lm_head.weight");
        Cli.run("compare", config, config).fails(ExitCode.DATA, "config.json");
    }

    @Test
    void inspectShowsCapturesStatisticsAndScales() {
        Path out = calibrate("out", Folder.recipe(work, FP8));
        Path file = input.resolve("s0.safetensors");
        assertThat(Cli.run("inspect", file).isDone().out()).contains("BF16", "layer", "min");
        assertThat(Cli.run("inspect", input).isDone().out()).contains("s0", "s4");
        assertThat(Cli.run("inspect", out).isDone().out()).contains("k_scale");
        JsonNode output = Folder.json(Cli.run("inspect", "--json", file, input, out, out.resolve("statistics.kvstats"))
                .isDone()
                .out());
        assertThat(output)
                .extracting(node -> node.get("kind").asText())
                .containsExactly(
                        "capture", "capture", "capture", "capture", "capture", "capture", "scales", "statistics");
        JsonNode statistics = output.get(7);
        JsonNode scales = output.get(6);
        assertThat(statistics.get("slots")).hasSize(4);
        assertThat(statistics.get("slots").get(0).get("tokens").asInt()).isEqualTo(2 + 3 + 4 + 5 + 6);
        assertThat(statistics.get("slots").get(0).get("min").floatValue())
                .isEqualTo(scales.get("layers").get(0).get("key").get("min").floatValue());
        assertThat(statistics.get("fingerprint")).isEqualTo(scales.get("corpus").get("fingerprint"));
        assertThat(output.get(0).get("slots").get(3).get("role").asText()).isEqualTo("value");
        Path bad = Folder.write(work.resolve("bad.safetensors"), "bad");
        Cli.run("inspect", bad).fails(ExitCode.DATA, "bad.safetensors");
        Cli.run("inspect", work.resolve("absent")).fails(ExitCode.DATA, "absent");
    }

    @Test
    void aScaleTableEditedByHandIsValid() {
        Path out = calibrate("out", Folder.recipe(work, FP8));
        String text = Folder.text(out.resolve("kv_scales.json"));
        Path edited = Folder.write(work.resolve("edited.json"), "\n" + text.replace(", ", ",\n   "));
        Cli.run("compare", out, edited).isDone();
        JsonNode scale =
                Folder.json(edited).get("layers").get(0).get("key").get("scale").get(0);
        Path changed = Folder.write(work.resolve("changed.json"), text.replaceFirst(scale.asText(), "0.5"));
        assertThat(Cli.run("compare", out, changed).code()).isEqualTo(ExitCode.DIFFERENT);
    }
}
