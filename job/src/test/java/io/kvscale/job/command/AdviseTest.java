package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The output of {@code kvscale advise}; its recipe gives the advised scales. */
class AdviseTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private static Path shared;

    private static Path statistics = Path.of("");
    private static Path ranges = Path.of("");

    @TempDir
    private Path work;

    /** Calibrates four layers. Outliers in the keys of layers 1 and 3 leave integers few steps for other values. */
    @BeforeAll
    static void calibrateOnce() {
        Capture capture = new Capture();
        for (int layer = 0; layer < 4; layer++) {
            double outlier = layer % 2 == 1 ? 20 : 1;
            capture.add("layers." + layer + ".keys", "BF16", List.of(1L, 2L, 40L, 32L), normal(layer, outlier))
                    .add("layers." + layer + ".values", "BF16", List.of(1L, 2L, 40L, 32L), normal(9 + layer, 1));
        }
        capture.write(shared.resolve("in/a.safetensors"));
        statistics = calibrate(shared, "counted", "kvscale: {statistics: histogram}");
        ranges = calibrate(shared, "ranges", "kvscale: {statistics: range}");
    }

    /** Normally distributed values; one in 20 is multiplied by {@code outlier}. */
    private static IntToDoubleFunction normal(long seed, double outlier) {
        Random random = new Random(seed);
        List<Double> values = new ArrayList<>();
        return i -> {
            while (values.size() <= i) {
                values.add(random.nextGaussian() * (values.size() % 20 == 3 ? outlier : 1));
            }
            return values.get(i);
        };
    }

    private static Path calibrate(Path work, String name, String section) {
        Path output = work.resolve(name);
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, FP8, section),
                        "--input",
                        work.resolve("in"),
                        "--output",
                        output,
                        "--quiet")
                .isDone();
        return output.resolve("statistics.kvstats");
    }

    private static Cli advise(Path statistics, Object... more) {
        List<Object> words = new ArrayList<>(List.of("advise", "--statistics", statistics));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    private static JsonNode json(Path statistics, Object... more) {
        List<Object> words = new ArrayList<>(List.of(more));
        words.add("--json");
        return Folder.json(advise(statistics, words.toArray()).isDone().out());
    }

    /** Derives scales with the recipe of the advice and compares schemes and errors with the advice. */
    private int checkRecipe(Path statistics, JsonNode advice) {
        Path recipe =
                Folder.write(work.resolve("advice.yaml"), advice.get("recipe").textValue());
        Path output = work.resolve("derived");
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe, "--output", output, "--overwrite", "--quiet")
                .isDone();
        JsonNode scales = Folder.json(output.resolve("kv_scales.json"));
        int checked = 0;
        int found = 0;
        for (JsonNode layer : advice.get("layers")) {
            for (String role : List.of("key", "value")) {
                JsonNode slot = layer.get(role);
                if (slot == null || slot.get("format").textValue().equals("unquantized")) {
                    continue;
                }
                JsonNode solved = slotOf(scales, layer.get("layer").intValue(), role);
                assertThat(solved.get("error").get("sqnr_db")).isEqualTo(slot.get("sqnr_db"));
                assertThat(solved.get("error").get("mse")).isEqualTo(slot.get("mse"));
                JsonNode scheme = solved.has("scheme") ? solved.get("scheme") : scales.get("scheme");
                assertThat(scheme.get("num_bits")).isEqualTo(slot.get("bits"));
                assertThat(slot.get("format").textValue())
                        .startsWith(
                                scheme.get("type").textValue().equals("int")
                                        ? "int"
                                        : "fp" + scheme.get("num_bits") + "_"
                                                + (scheme.has("format")
                                                        ? scheme.get("format").textValue()
                                                        : "e"));
                assertThat(scheme.get("strategy")).isEqualTo(advice.get("strategy"));
                checked++;
            }
        }
        for (JsonNode layer : scales.get("layers")) {
            found += layer.size() - 1;
        }
        assertThat(found).isEqualTo(checked);
        return checked;
    }

    private static Set<String> formats(JsonNode advice) {
        Set<String> formats = new TreeSet<>();
        for (JsonNode layer : advice.get("layers")) {
            for (String role : List.of("key", "value")) {
                formats.add(layer.get(role).get("format").textValue());
            }
        }
        formats.remove("unquantized");
        return formats;
    }

    private static JsonNode slotOf(JsonNode scales, int number, String role) {
        for (JsonNode layer : scales.get("layers")) {
            if (layer.get("layer").intValue() == number) {
                return layer.get(role);
            }
        }
        throw new AssertionError("no layer " + number + " in " + scales);
    }

    @ParameterizedTest
    @CsvSource({
        "--min-sqnr, 10, tensor, 8",
        "--min-sqnr, 18, attn_head, 8",
        "--min-sqnr, 31, tensor, 8",
        "--min-sqnr, 36, tensor, 4",
        "--bits, 4, tensor, 8",
        "--bits, 5.7, attn_head, 8",
        "--bits, 6.5, tensor, 8",
        "--bits, 12.25, tensor, 4"
    })
    void theRecipeGivesTheAdvisedErrors(String option, String value, String strategy, int quantized) {
        JsonNode advice = json(statistics, option, value, "--strategy", strategy);
        assertThat(checkRecipe(statistics, advice)).isEqualTo(quantized);
    }

    @Test
    void minSqnrSkipsLayersWithoutASufficientFormatAlsoForVllm() {
        JsonNode advice = json(statistics, "--min-sqnr", "36");
        assertThat(advice.get("skip_layers")).hasToString("[1,3]");
        assertThat(advice.get("vllm_arguments").textValue()).isEqualTo("--kv-cache-dtype-skip-layers 1 3");
        assertThat(advice.get("vllm_refusal").textValue()).contains("INT8", "vLLM loads only symmetric fp8");
        assertThat(advice.get("average_bits").doubleValue()).isEqualTo((4 * 8 + 4 * 16) / 8.0);
        JsonNode skipped = advice.get("layers").get(3);
        for (String role : List.of("key", "value")) {
            assertThat(skipped.get(role).get("format").textValue()).isEqualTo("unquantized");
            assertThat(skipped.get(role).get("bits").intValue()).isEqualTo(16);
            assertThat(skipped.get(role).get("noise_to_signal").doubleValue()).isZero();
        }
        advice.get("layers")
                .forEach(layer -> List.of("key", "value").forEach(role -> {
                    JsonNode slot = layer.get(role);
                    assertThat(slot.get("candidates")).hasSize(6);
                    assertThat(slot.get("values_per_token").intValue()).isEqualTo(64);
                    for (JsonNode candidate : slot.get("candidates")) {
                        assertThat(candidate.get("saturated_share").doubleValue())
                                .isBetween(0.0, 1.0);
                        assertThat(candidate.has("codes_used"))
                                .isEqualTo(!candidate.get("format").textValue().equals("unquantized"));
                    }
                }));
    }

    @Test
    void scaleOneIsComparedWithTheBestFp8Scale() {
        JsonNode advice = json(statistics, "--bits", "6");
        String verdict = advice.get("unit_scale_verdict").textValue();
        assertThat(verdict).startsWith("Scale 1.0 clips nothing here ");
        double most = 0;
        for (JsonNode layer : advice.get("layers")) {
            for (String role : List.of("key", "value")) {
                JsonNode unit = layer.get(role).get("unit_scale");
                double fp8 =
                        layer.get(role).get("candidates").get(0).get("sqnr_db").doubleValue();
                double loss = unit.get("loss_db").doubleValue();
                assertThat(loss)
                        .isEqualTo(fp8 - unit.get("sqnr_db").doubleValue())
                        .isNotNegative();
                assertThat(unit.get("saturated_share").doubleValue()).isZero();
                most = Math.max(most, loss);
            }
        }
        String printed = advise(statistics, "--bits", "6").isDone().out();
        assertThat(printed)
                .contains("layer  role   fp8_db  scale_1_db  loss_db  beyond_448_percent")
                .contains(verdict)
                .contains(String.format(Locale.ROOT, "  %.2f  ", most));
        JsonNode integers = json(statistics, "--bits", "6", "--formats", "int8,int4");
        assertThat(integers.get("unit_scale_verdict").isNull()).isTrue();
        assertThat(integers.get("layers").get(0).get("key").has("unit_scale")).isFalse();
        assertThat(advise(statistics, "--bits", "6", "--formats", "int8,int4")
                        .isDone()
                        .out())
                .doesNotContain("scale 1.0");
    }

    @Test
    void theRankingBeginsWithTheSlotThatLosesMostInFourBits() {
        JsonNode advice = json(statistics, "--bits", "8");
        List<Double> lost = new ArrayList<>();
        for (JsonNode ranked : advice.get("ranking")) {
            JsonNode slot = advice.get("layers")
                    .get(ranked.get("layer").intValue())
                    .get(ranked.get("role").textValue());
            double least = Double.POSITIVE_INFINITY;
            for (JsonNode candidate : slot.get("candidates")) {
                if (candidate.get("bits").intValue() == 4) {
                    least = Math.min(least, candidate.get("noise_to_signal").doubleValue());
                }
            }
            lost.add(least);
        }
        assertThat(lost).hasSize(8).isSortedAccordingTo(Collections.reverseOrder());
        assertThat(lost.get(0)).isGreaterThan(2 * lost.get(7));
    }

    @Test
    void theTextEndsWithARecipeThatCanBeCopied() {
        String out = advise(statistics, "--min-sqnr", "36").isDone().out();
        assertThat(out)
                .contains("layer  key", "average 12.00 bits", "most sensitive", "4_bits_db")
                .contains("\n--kv-cache-dtype-skip-layers 1 3\n")
                .contains("vLLM loads only symmetric fp8 scales");
        String recipe =
                out.substring(out.indexOf("kvscale scales --recipe ---\n")).replaceFirst(".*\n", "");
        assertThat(recipe)
                .isEqualTo(json(statistics, "--min-sqnr", "36").get("recipe").textValue());
    }

    @Test
    void fp8AloneGivesARecipeForVllm() {
        JsonNode advice = json(statistics, "--min-sqnr", "20", "--formats", "fp8");
        assertThat(advice.get("vllm_refusal").isNull()).isTrue();
        assertThat(advice.get("layers").get(0).get("key").get("candidates")).hasSize(2);
        assertThat(checkRecipe(statistics, advice)).isGreaterThanOrEqualTo(6);
        assertThat(Folder.names(work.resolve("derived"))).containsKey("vllm");
        assertThat(advise(statistics, "--min-sqnr", "20", "--formats", "fp8,fp8_e5m2")
                        .isDone()
                        .out())
                .contains("8_bits_db")
                .doesNotContain("4_bits_db");
    }

    @Test
    void adviceForATargetHasOnlyWhatItLoads() {
        JsonNode advice = json(statistics, "--min-sqnr", "20", "--for", "vllm");
        assertThat(advice.get("target").textValue()).isEqualTo("vllm");
        assertThat(advice.get("vllm_refusal").isNull()).isTrue();
        for (JsonNode layer : advice.get("layers")) {
            assertThat(layer.get("key").get("candidates")).hasSize(2);
        }
        assertThat(checkRecipe(statistics, advice)).isGreaterThanOrEqualTo(6);
        assertThat(Folder.names(work.resolve("derived"))).containsKey("vllm");
        assertThat(json(statistics, "--min-sqnr", "20").has("target")).isFalse();
        assertThat(advise(statistics, "--min-sqnr", "31.8", "--for", "vllm")
                        .isDone()
                        .out())
                .contains(
                        "kvscale export --scales SCALES --for vllm --output OUTPUT --model MODEL --skip-layers 0,2",
                        "vllm serve OUTPUT --kv-cache-dtype fp8 --kv-cache-dtype-skip-layers 0 2");
        advise(statistics, "--min-sqnr", "31.8", "--for", "sglang")
                .fails(ExitCode.USAGE, "layer 0 reaches 31.8 dB in none", "lower --min-sqnr");
        JsonNode all = json(statistics, "--bits", "16", "--for", "sglang");
        assertThat(all.get("skip_layers")).isEmpty();
        advise(statistics, "--bits", "8", "--for", "tensorrt-llm")
                .fails(ExitCode.USAGE, "TensorRT-LLM does not use scales of fp8", "--for");
    }

    @Test
    void aTargetThatTakesOneFormatForAllGetsTheBestSingleOne() {
        JsonNode mixed = json(statistics, "--min-sqnr", "18");
        JsonNode single = json(statistics, "--min-sqnr", "18", "--for", "ort-genai");
        assertThat(formats(mixed)).hasSizeGreaterThan(1);
        assertThat(formats(single)).hasSize(1);
        assertThat(single.get("average_bits").doubleValue())
                .isGreaterThan(mixed.get("average_bits").doubleValue());
    }

    @Test
    void adviceWithoutQuantizedLayersHasNoRecipe() {
        JsonNode advice = json(statistics, "--min-sqnr", "90");
        assertThat(advice.get("recipe").isNull()).isTrue();
        assertThat(advice.get("skip_layers")).hasToString("[0,1,2,3]");
        assertThat(advice.get("average_bits").doubleValue()).isEqualTo(16);
        assertThat(advise(statistics, "--bits", "16").isDone().out())
                .contains("no recipe, because every layer stays unquantized", "--kv-cache-dtype-skip-layers 0 1 2 3");
    }

    @Test
    void adviseWorksOnTheSample() {
        Path output = work.resolve("sample");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, FP8, "kvscale: {statistics: histogram}"),
                        "--input",
                        Folder.SAMPLE,
                        "--output",
                        output,
                        "--quiet")
                .isDone();
        Path sample = output.resolve("statistics.kvstats");
        JsonNode advice = json(sample, "--bits", "6");
        assertThat(advice.get("average_bits").doubleValue()).isBetween(5.8, 6.0);
        assertThat(checkRecipe(sample, advice)).isEqualTo(60);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--bits 3 | is not possible | --bits 4 or more",
                "--bits 6 --formats fp8,int8 | is not possible | --bits 8 or more",
                "--bits 0 | --bits 0 | from 4",
                "--bits 17 | --bits 17 | to 16",
                "--bits -4 | --bits -4 | from 4",
                "--bits NaN | --bits | 'NaN' is not a decimal number",
                "--bits 1e9999999 | --bits | is not a decimal number",
                "--bits many | --bits | is not a decimal number",
                "--min-sqnr Infinity | --min-sqnr | 'Infinity' is not a decimal number",
                "--min-sqnr -3 | --min-sqnr -3 | at least 0",
                "--min-sqnr 30 --bits 6 | --min-sqnr | --bits",
                "--json | --min-sqnr | --bits",
                "--bits 6 --strategy channel | tensor or attn_head | 'channel'",
                "--bits 6 --formats fp9 | 'fp9' | fp8",
                "--bits 8 --for vlm | 'vlm' is not a target | vllm",
                "--bits 8 --for vllm --formats int8 | vLLM loads only symmetric fp8 scales | take another",
                "--bits 6 --for vllm | is not possible | --bits 8 or more",
            })
    void wrongUsageIsExitCodeTwo(String line, String message, String remedy) {
        advise(statistics, (Object[]) line.strip().split(" +")).fails(ExitCode.USAGE, message.strip(), remedy.strip());
    }

    @Test
    void statisticsAreRequired() {
        Cli.run("advise", "--bits", "6").fails(ExitCode.USAGE, "--statistics");
        advise(work.resolve("absent"), "--bits", "6").fails(ExitCode.DATA, "absent");
    }

    @Test
    void rangesOnlyIsExitCodeThreeWithTheRemedy() {
        advise(ranges, "--bits", "6").fails(ExitCode.DATA, "layer 0 key", "histograms", "statistics: histogram");
    }

    @Test
    void f32IsMarkedAsApproximate() {
        new Capture()
                .add("layers.0.keys", "F32", List.of(1L, 2L, 40L, 32L), normal(1, 1))
                .add("layers.0.values", "BF16", List.of(1L, 2L, 40L, 32L), normal(2, 1))
                .write(work.resolve("in/a.safetensors"));
        Path rounded = calibrate(work, "out", "kvscale: {statistics: histogram}");
        JsonNode advice = json(rounded, "--bits", "8");
        assertThat(advice.get("approximate").booleanValue()).isTrue();
        assertThat(advice.get("layers").get(0).get("key").get("approximate").booleanValue())
                .isTrue();
        assertThat(advice.get("layers").get(0).get("value").has("approximate")).isFalse();
        assertThat(advise(rounded, "--bits", "8").isDone().out()).contains("approximate");
        assertThat(json(statistics, "--bits", "8").get("approximate").booleanValue())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mla: true", "hybrid: true", "allow_zero: true", "on_nonfinite: skip"})
    void theRecipeKeepsTheTolerancesOfTheCalibration(String allowed) {
        Capture capture = new Capture()
                .add("layers.0.keys", "BF16", List.of(1L, 2L, 40L, 32L), normal(1, 1))
                .add("layers.2.keys", "BF16", List.of(1L, 2L, 40L, 32L), normal(2, 1));
        boolean hybrid = allowed.startsWith("hybrid");
        if (!allowed.startsWith("mla")) {
            capture.add("layers.0.values", "BF16", List.of(1L, 2L, 40L, 32L), normal(3, 1))
                    .add("layers.2.values", "BF16", List.of(1L, 2L, 40L, 32L), lastValues(allowed));
        }
        capture.write(work.resolve("in/a.safetensors"));
        if (!hybrid) {
            Capture more = new Capture().add("layers.1.keys", "BF16", List.of(1L, 2L, 40L, 32L), normal(4, 1));
            if (!allowed.startsWith("mla")) {
                more.add("layers.1.values", "BF16", List.of(1L, 2L, 40L, 32L), normal(5, 1));
            }
            more.write(work.resolve("in/b.safetensors"));
        }
        Path incomplete = calibrate(work, "out", "kvscale: {statistics: histogram, " + allowed + "}");
        JsonNode advice = json(incomplete, "--min-sqnr", "20");
        assertThat(advice.get("recipe").textValue()).contains("\n  " + allowed + "\n");
        assertThat(checkRecipe(incomplete, advice)).isEqualTo(allowed.startsWith("mla") ? 3 : hybrid ? 4 : 6);
        assertThat(advise(incomplete, "--min-sqnr", "20").err().toLowerCase(Locale.ROOT))
                .contains("warning: ", "the recipe sets " + allowed);
    }

    private static IntToDoubleFunction lastValues(String allowed) {
        IntToDoubleFunction normalValues = normal(6, 1);
        return switch (allowed) {
            case "allow_zero: true" -> i -> 0;
            case "on_nonfinite: skip" -> i -> i == 7 ? Double.NaN : normalValues.applyAsDouble(i);
            default -> normalValues;
        };
    }
}
