package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Calibrates texts with the shipped tiny model, and with larger models if they are available. */
class TextCalibrationTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");
    private static final Path TEXTS = MODEL.resolve("texts.jsonl");
    private static final Path EXPECTED = Folder.HOME.resolve("udfs/src/test/resources/models/tiny/expected.json");
    private static final String FP8 = "num_bits: 8, type: float";

    @TempDir
    private Path work;

    private Cli calibrate(Path recipe, Object model, Path texts, String output, Object... more) {
        List<Object> words = new ArrayList<>(List.of(
                "calibrate", "--recipe", recipe, "--model", model, "--text", texts, "--output", work.resolve(output)));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    private Path recipe(String name, String more) throws IOException {
        Path file = work.resolve(name + ".yaml");
        Files.writeString(file, "kv_cache_scheme: {" + FP8 + "}\nkvscale: {" + more + "}\n");
        return file;
    }

    private Path lines(String name, String... lines) throws IOException {
        Path file = work.resolve(name);
        Files.writeString(file, String.join("\n", lines) + "\n");
        return file;
    }

    @Test
    void theRangesEqualTheReference() throws IOException {
        calibrate(recipe("all", ""), MODEL, TEXTS, "out").isDone();
        equalsExpected(EXPECTED, work.resolve("out"));
    }

    @ParameterizedTest
    @CsvSource({
        "tiny, model.onnx, 1e-3",
        "tiny, model_gqa.onnx, 1e-3",
        "tiny, model_f16.onnx, 1e-3",
        "tiny, model_bf16.onnx, 5e-3",
        "smollm2, model.onnx, 1e-3"
    })
    @EnabledIfSystemProperty(named = "kvscale.models", matches = ".+")
    void everyGraphOfEveryModelGivesTheReferenceRanges(String name, String file, double tolerance) throws IOException {
        Path model = Path.of(System.getProperty("kvscale.models"), name);
        calibrate(recipe("form", "model_file: " + file), model, model.resolve("texts.jsonl"), "out")
                .isDone();
        equalsExpected(model.resolve("expected.json"), work.resolve("out"), tolerance);
    }

    private static void equalsExpected(Path expected, Path output) {
        equalsExpected(expected, output, 1e-3);
    }

    private static void equalsExpected(Path expected, Path output, double tolerance) {
        JsonNode all = Folder.json(expected).get("all");
        JsonNode result = Folder.json(output.resolve("kv_scales.json"));
        assertThat(result.at("/corpus/tokens").asInt())
                .isEqualTo(all.get("tokens").asInt());
        assertThat(all.get("slots")).isNotEmpty();
        for (JsonNode slot : all.get("slots")) {
            JsonNode actual = result.get("layers")
                    .get(slot.get("layer").asInt())
                    .get(slot.get("role").asText().equals("K") ? "key" : "value");
            double min = slot.get("min").asDouble();
            double max = slot.get("max").asDouble();
            double near = tolerance * Math.max(Math.abs(min), Math.abs(max));
            assertThat(actual.get("min").asDouble()).as(slot.toString()).isCloseTo(min, within(near));
            assertThat(actual.get("max").asDouble()).as(slot.toString()).isCloseTo(max, within(near));
        }
    }

    @Test
    void theBytesAreTheSameForEveryPartitioningAndOrderOfFiles() throws IOException {
        Path recipe = recipe("some", "num_calibration_samples: 4, max_seq_length: 64");
        calibrate(recipe, MODEL, TEXTS, "one", "--partitions", 1).isDone();
        calibrate(recipe, MODEL, TEXTS, "three", "--partitions", 3).isDone();
        assertThat(Folder.content(work.resolve("three"))).isEqualTo(Folder.content(work.resolve("one")));

        List<String> reversed = new ArrayList<>(Files.readAllLines(TEXTS));
        Collections.reverse(reversed);
        Path other = lines("other.jsonl", reversed.toArray(String[]::new));
        calibrate(recipe, MODEL, other, "reversed").isDone();
        assertThat(scales("reversed")).isEqualTo(scales("one"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "fake_quantize"})
    void runJsonHasTokensAndSecondsOfEachPhase(String feedback) throws IOException {
        calibrate(recipe("timed", "chunk_tokens: 16, feedback: " + feedback), MODEL, TEXTS, "out", "--partitions", 2)
                .isDone();
        JsonNode run = Folder.json(work.resolve("out/run.json"));
        JsonNode scales = Folder.json(work.resolve("out/kv_scales.json"));
        long tokens = scales.at("/corpus/tokens").asLong();
        double seconds = run.get("seconds").asDouble();
        assertThat(run.get("tokens").asLong()).isEqualTo(tokens).isPositive();
        assertThat(run.get("tokens_per_s").asDouble()).isCloseTo(tokens / seconds, within(0.01 * tokens / seconds));
        JsonNode wall = run.get("wall_seconds_by_phase");
        assertThat(names(wall)).containsExactly("start", "model", "read_and_tokenize", "forward_and_merge", "report");
        double sum = 0;
        for (JsonNode phase : wall) {
            assertThat(phase.asDouble()).isPositive();
            sum += phase.asDouble();
        }
        // Wall clock and nanoseconds are read one after the other.
        assertThat(sum).isLessThanOrEqualTo(seconds + 0.01);
        JsonNode tasks = run.get("task_seconds_by_phase");
        assertThat(names(tasks)).containsExactly("model", "forward", "merge");
        tasks.forEach(phase -> assertThat(phase.asDouble()).isPositive());
        // Two tasks ran at the same time.
        assertThat(tasks.get("forward").asDouble())
                .isLessThan(2 * wall.get("forward_and_merge").asDouble());
    }

    @Test
    void runJsonOfCapturesHasNoTokens() {
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", work.resolve("captures"))
                .isDone();
        assertThat(names(Folder.json(work.resolve("captures/run.json"))))
                .contains("task_seconds")
                .doesNotContain("tokens", "wall_seconds_by_phase", "task_seconds_by_phase");
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private List<String> scales(String output) {
        return Folder.json(work.resolve(output).resolve("kv_scales.json"))
                .get("layers")
                .findValuesAsText("scale")
                .stream()
                .map(String::valueOf)
                .toList();
    }

    @Test
    void savedCapturesGiveTheSameResult() throws IOException {
        Path recipe = recipe("counted", "statistics: histogram");
        Cli done = calibrate(recipe, MODEL, TEXTS, "text", "--save-captures", work.resolve("captures"))
                .isDone();
        assertThat(done.out()).contains("wrote the captures in " + work.resolve("captures"));
        Cli.run("calibrate", "--recipe", recipe, "--input", work.resolve("captures"), "--output", work.resolve("read"))
                .isDone();
        assertThat(Folder.content(work.resolve("read"))).isEqualTo(Folder.content(work.resolve("text")));
        calibrate(recipe, MODEL, TEXTS, "again", "--save-captures", work.resolve("captures"))
                .fails(ExitCode.OUTPUT, "captures already exists", "--save-captures", "--overwrite");
        assertThat(work.resolve("again")).doesNotExist();
        calibrate(recipe, MODEL, TEXTS, "again", "--save-captures", work.resolve("captures"), "--overwrite")
                .isDone();
        Folder.write(work.resolve("captures/texts/notes.txt"), "mine");
        calibrate(recipe, MODEL, TEXTS, "again", "--save-captures", work.resolve("captures"), "--overwrite")
                .fails(ExitCode.OUTPUT, "files other than captures: texts/notes.txt");
        Path weights = new Capture()
                .add("model.layers.0.self_attn.k_proj.weight", "F32", List.of(2L, 2L), i -> i)
                .write(work.resolve("weights/model.safetensors"));
        calibrate(recipe, MODEL, TEXTS, "again", "--save-captures", weights.getParent(), "--overwrite")
                .fails(ExitCode.OUTPUT, "files other than captures: model.safetensors");
        assertThat(weights).exists();
    }

    /** A model as the cache of Hugging Face holds it. */
    private Path cached(String name) throws IOException {
        Path entry = work.resolve("hub/" + name);
        Path snapshot = Files.createDirectories(entry.resolve("snapshots/0123abcd"));
        Files.createDirectories(entry.resolve("blobs"));
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String blob = "blobs/" + Integer.toHexString(file.getFileName().hashCode());
                Files.copy(file, entry.resolve(blob));
                Files.createSymbolicLink(snapshot.resolve(file.getFileName()), Path.of("../..", blob));
            }
        }
        return snapshot;
    }

    @Test
    void linksOutOfTheModelsFolderAreRefused() throws IOException {
        Path recipe = recipe("any", "");
        for (String name : List.of("model.onnx", "config.json", "tokenizer.json", "tokenizer_config.json")) {
            Path model = Files.createDirectories(work.resolve("copy-of-" + name));
            try (Stream<Path> files = Files.list(MODEL)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Files.copy(file, model.resolve(file.getFileName()));
                }
            }
            Files.delete(model.resolve(name));
            Files.createSymbolicLink(model.resolve(name), MODEL.resolve(name).toRealPath());
            calibrate(recipe, model, TEXTS, "out")
                    .fails(ExitCode.DATA, "a link out of the model's folder", "file " + name, "copy the file");
            Path snapshot = cached("models--a--" + name);
            Files.delete(snapshot.resolve(name));
            Files.createSymbolicLink(
                    snapshot.resolve(name), model.resolve("model.onnx").resolveSibling(name));
            calibrate(recipe, snapshot, TEXTS, "out").fails(ExitCode.DATA, "a link out of the model's folder", name);
        }
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void aModelOfSymbolicLinksRuns() throws IOException {
        Path snapshot = cached("models--kvscale--tiny");
        Path recipe = recipe("any", "");
        calibrate(recipe, MODEL, TEXTS, "folder").isDone();
        calibrate(recipe, snapshot, TEXTS, "linked").isDone();
        assertThat(Folder.content(work.resolve("linked"))).isEqualTo(Folder.content(work.resolve("folder")));
    }

    @Test
    void aMissingModelFolderIsReported() throws IOException {
        Path recipe = recipe("any", "");
        for (Object model :
                List.of(work.resolve("none"), MODEL.resolve("model.onnx"), "https://hub.invalid/a", "a/b")) {
            calibrate(recipe, model, TEXTS, "out")
                    .fails(ExitCode.DATA, "the folder does not exist", "in model " + model, "--model");
        }
    }

    @Test
    void capturesThatCannotBeWrittenLeaveNothingBehind() throws IOException {
        Path recipe = recipe("saved", "");
        HookedFileSystem.onCreate = new IOException("No space left on device");
        try {
            String captures = HookedFileSystem.of(work.resolve("full"));
            calibrate(recipe, MODEL, TEXTS, "out", "--save-captures", captures)
                    .fails(ExitCode.OUTPUT, "captures cannot be saved in hooked:", "No space left", "--save-captures");
        } finally {
            HookedFileSystem.reset();
        }
        assertThat(work)
                .isDirectoryNotContaining(path -> !path.getFileName().toString().equals("saved.yaml"));
    }

    @Test
    void feedbackObservesValuesComputedFromAQuantizedPast() throws IOException {
        calibrate(recipe("none", "chunk_tokens: 32"), MODEL, TEXTS, "none").isDone();
        calibrate(recipe("fed", "feedback: fake_quantize, chunk_tokens: 32"), MODEL, TEXTS, "fed", "--partitions", 1)
                .isDone();
        calibrate(recipe("fed", "feedback: fake_quantize, chunk_tokens: 32"), MODEL, TEXTS, "fed3", "--partitions", 3)
                .isDone();
        assertThat(Folder.content(work.resolve("fed3"))).isEqualTo(Folder.content(work.resolve("fed")));
        assertThat(Folder.bytes(work.resolve("fed/statistics.kvstats")))
                .isNotEqualTo(Folder.bytes(work.resolve("none/statistics.kvstats")));
        Path residual = recipe("all", "feedback: fake_quantize, chunk_tokens: 32, residual_length: 1000");
        assertThat(calibrate(residual, MODEL, TEXTS, "residual").isDone().err())
                .contains("fake_quantize has no effect", "residual_length 1000");
        assertThat(Folder.bytes(work.resolve("residual/kv_scales.json")))
                .isEqualTo(Folder.bytes(work.resolve("none/kv_scales.json")));
    }

    @Test
    void anInvalidLineIsNamedOrAllowed() throws IOException {
        Path texts = lines("bad.jsonl", "{\"text\": \"a text of some words\"}", "{\"text\": ", "{\"text\": \"\"}");
        calibrate(recipe("strict", ""), MODEL, texts, "strict").fails(ExitCode.DATA, "bad.jsonl, line 2", "JSON");
        assertThat(work.resolve("strict")).doesNotExist();
        Cli lenient = calibrate(recipe("lenient", "max_bad_records: 2"), MODEL, texts, "lenient")
                .isDone();
        assertThat(lenient.err()).contains("2 of 3 records are bad");
    }

    @Test
    void invalidModelsAreNamedBeforeAnyTaskStarts() throws IOException {
        Path recipe = recipe("any", "");
        calibrate(recipe, work.resolve("nowhere"), TEXTS, "out").fails(ExitCode.DATA, "model.onnx");
        Path broken = work.resolve("broken");
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.createDirectories(broken);
                Files.copy(file, broken.resolve(file.getFileName()));
            }
        }
        Files.delete(broken.resolve("tokenizer.json"));
        calibrate(recipe, broken, TEXTS, "out").fails(ExitCode.DATA, "tokenizer.json");
        Files.write(
                broken.resolve("model.onnx"),
                java.util.Arrays.copyOf(Folder.bytes(MODEL.resolve("model.onnx")), 300_000));
        calibrate(recipe, broken, TEXTS, "out").fails(ExitCode.DATA, "model.onnx");
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void contradictoryOptionsAreWrongUsage() throws IOException {
        Path recipe = recipe("any", "");
        Cli.run("calibrate", "--recipe", recipe, "--text", TEXTS, "--output", work.resolve("o"))
                .fails(ExitCode.USAGE, "--model");
        Cli.run("calibrate", "--recipe", recipe, "--model", MODEL, "--output", work.resolve("o"))
                .fails(ExitCode.USAGE, "--text");
        calibrate(recipe, MODEL, TEXTS, "o", "--input", Folder.SAMPLE).fails(ExitCode.USAGE, "--input");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--input",
                        Folder.SAMPLE,
                        "--save-captures",
                        work.resolve("c"),
                        "--output",
                        work.resolve("o"))
                .fails(ExitCode.USAGE, "--save-captures");
    }

    @Test
    void aDryRunShowsTheTextsAndRunsNoModel() throws IOException {
        Cli dryRun = Cli.run("calibrate", "--recipe", recipe("any", ""), "--model", MODEL, "--text", TEXTS, "--dry-run")
                .isDone();
        assertThat(dryRun.out()).contains("samples", "tokens", "690").doesNotContain("unmatched");
    }
}
