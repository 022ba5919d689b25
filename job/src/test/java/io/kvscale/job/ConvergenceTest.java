package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code calibrate --convergence} and {@code --stop-when-stable}. */
class ConvergenceTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor";
    private static final int FILES = 24;
    private static final int TEXTS = 300;

    @TempDir
    private Path work;

    /** Writes captures whose values are at most 1 in magnitude, except in one sample. */
    private Path captures(String folder, String outlier) {
        for (int i = 0; i < FILES; i++) {
            double most = ("s" + i).equals(outlier) ? 2 : 1;
            int first = 7 * i;
            List<Long> shape = List.of(1L, 2L, 20L + i % 3, 32L);
            IntToDoubleFunction k = j -> most * ((first + j) % 33 - 16) / 16;
            IntToDoubleFunction v = j -> most * ((first + 5 * j) % 33 - 16) / 32;
            Capture capture = new Capture().add("layers.0.keys", "BF16", shape, k);
            capture.add("layers.0.values", "BF16", shape, v);
            capture.write(work.resolve(folder).resolve("f" + i % 2 + "/s" + i + ".safetensors"));
        }
        return work.resolve(folder);
    }

    private Cli calibrate(String output, Path recipe, Object... more) {
        List<Object> words =
                new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--output", work.resolve(output)));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    private JsonNode curve(String output) {
        return Folder.json(work.resolve(output).resolve("run.json")).path("convergence");
    }

    private SortedMap<String, String> withoutReport(String output) {
        SortedMap<String, String> content = Folder.content(work.resolve(output));
        assertThat(content.remove("report.html")).isNotNull();
        return content;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "num_bits: 8, type: int, strategy: attn_head, observer: mse",
                "num_bits: 8, type: float, strategy: tensor, observer: minmax"
            })
    void theCurveDoesNotDependOnPartitionsFolderOrStateAndTheResultNotOnTheCurve(String scheme) {
        Path recipe = Folder.recipe(work, scheme, "kvscale: {max_saturated: 5}"); // minmax clips the outlier
        Path in = captures("in", "s5");
        calibrate("without", recipe, "--input", in).isDone();
        Cli one = calibrate("one", recipe, "--input", in, "--convergence", "--partitions", 1)
                .isDone();
        assertThat(withoutReport("one")).isEqualTo(withoutReport("without"));
        assertThat(curve("without").isMissingNode()).isTrue();
        assertThat(curve("one").path("tokens")).hasSizeGreaterThan(2);
        assertThat(one.err()).doesNotContain("few tokens");
        Path moved = captures("moved/elsewhere", "s5");
        for (int partitions : new int[] {2, 7}) {
            String name = "cut-" + partitions;
            calibrate(name, recipe, "--input", moved, "--convergence", "--partitions", partitions)
                    .isDone();
            assertThat(Folder.content(work.resolve(name))).isEqualTo(Folder.content(work.resolve("one")));
            assertThat(curve(name)).isEqualTo(curve("one"));
        }
        for (String name : List.of("read", "kept")) {
            calibrate(name, recipe, "--input", in, "--convergence", "--state", work.resolve("state"))
                    .isDone();
            assertThat(Folder.content(work.resolve(name))).isEqualTo(Folder.content(work.resolve("one")));
            assertThat(curve(name)).isEqualTo(curve("one"));
        }
        assertThat(Folder.json(work.resolve("kept/run.json"))
                        .at("/state/groups_read")
                        .asInt(-1))
                .isZero();
    }

    @Test
    void stableScalesAreSaidInsteadOfFewTokens() {
        Path recipe = Folder.recipe(work, FP8);
        Cli done = calibrate("out", recipe, "--input", captures("in", ""), "--convergence")
                .isDone();
        long first = curve("out").path("tokens").path(0).asLong();
        assertThat(curve("out").path("stable_since_tokens").asLong()).isEqualTo(first);
        assertThat(done.out()).contains("all scales are stable since " + first + " of 504 tokens within 1 %");
        assertThat(done.err()).doesNotContain("few tokens").doesNotContain("thin evidence");
        assertThat(calibrate("plain", recipe, "--input", work.resolve("in"))
                        .isDone()
                        .err())
                .contains("few tokens: the scales come from 504 tokens");
        // Which sample comes last does not depend on its place in the folder, but half of all come in the last
        // doubling.
        List<String> verdicts = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            String name = "late-" + i;
            Cli late = calibrate(name, recipe, "--input", captures(name + "-in", "s" + i), "--convergence")
                    .isDone();
            boolean unstable = curve(name).path("stable_since_tokens").isNull();
            assertThat(late.err().contains("warning: thin evidence: from ")).isEqualTo(unstable);
            verdicts.add(unstable ? "unstable" : "stable");
        }
        assertThat(verdicts).contains("unstable", "stable");
    }

    /** Texts of a few words, each different. */
    private Path texts() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < TEXTS; i++) {
            lines.add("{\"text\": \"the value of key " + i + " is " + i * 7919 % 1000 + "\"}");
        }
        return Files.write(work.resolve("texts.jsonl"), lines);
    }

    private Cli stop(String output, Path recipe, Object... more) throws IOException {
        List<Object> words = new ArrayList<>(List.of("--model", MODEL, "--text", texts(), "--stop-when-stable"));
        Collections.addAll(words, more);
        return calibrate(output, recipe, words.toArray());
    }

    @Test
    void textsStopAtTheSameSamplesForAnyNumberOfPartitions() throws IOException {
        Path recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor");
        Cli one = stop("one", recipe, "--partitions", 1).isDone();
        JsonNode curve = curve("one");
        int used = curve.path("samples").path(curve.path("samples").size() - 1).asInt();
        assertThat(used).isIn(128, 256, TEXTS);
        assertThat(curve.path("available_samples").asInt()).isEqualTo(TEXTS);
        assertThat(one.out() + one.err()).contains("used " + used + " of " + TEXTS + " samples");
        for (int partitions : new int[] {2, 7}) {
            stop("cut", recipe, "--partitions", partitions, "--overwrite").isDone();
            assertThat(Folder.content(work.resolve("cut"))).isEqualTo(Folder.content(work.resolve("one")));
        }
        // The texts are those with the lowest hashes, which num_calibration_samples takes too.
        Path some = Folder.recipe(work, FP8, "kvscale: {num_calibration_samples: " + used + "}");
        calibrate("some", some, "--model", MODEL, "--text", texts()).isDone();
        for (String field : List.of("fingerprint", "samples", "tokens")) {
            assertThat(Folder.json(work.resolve("one/kv_scales.json")).at("/corpus/" + field))
                    .isEqualTo(Folder.json(work.resolve("some/kv_scales.json")).at("/corpus/" + field));
        }
        assertThat(Folder.json(work.resolve("one/run.json")).path("tokens"))
                .isEqualTo(Folder.json(work.resolve("one/kv_scales.json")).at("/corpus/tokens"));
    }

    @Test
    void tooFewTextsAreAllUsed() throws IOException {
        Path recipe = Folder.recipe(work, FP8, "kvscale: {num_calibration_samples: 20}");
        assertThat(stop("out", recipe).isDone().err())
                .contains("thin evidence: 20 samples are too few to tell whether the scales are stable")
                .contains("used 20 of 20 samples");
    }

    @Test
    void theCurveOfTextsLeavesTheResultAsItIs() throws IOException {
        Path recipe = Folder.recipe(work, FP8, "kvscale: {num_calibration_samples: 40}");
        calibrate("without", recipe, "--model", MODEL, "--text", texts()).isDone();
        calibrate("with", recipe, "--model", MODEL, "--text", texts(), "--convergence")
                .isDone();
        assertThat(withoutReport("with")).isEqualTo(withoutReport("without"));
        assertThat(curve("with").path("tokens")).hasSizeGreaterThan(2);
    }

    @Test
    void stoppingIsRefusedWhereItSavesNothing() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        calibrate("out", recipe, "--input", Folder.SAMPLE, "--stop-when-stable")
                .fails(ExitCode.USAGE, "--stop-when-stable is for texts, with --model");
        Path feedback = Folder.recipe(work, FP8, "kvscale: {feedback: fake_quantize}");
        stop("out", feedback).fails(ExitCode.USAGE, "--stop-when-stable does not work with feedback: fake_quantize");
    }
}
