package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipes, devices and files that lie about their length: every command refuses them at once, and reads none. */
@DisabledOnOs(OS.WINDOWS)
class PipeTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(60);
    private static final Path TINY = Folder.HOME.resolve("conf/tiny-model");

    @TempDir
    private Path work;

    private Path pipe = Path.of("");

    @BeforeEach
    void makeFiles() throws Exception {
        pipe = pipe(work.resolve("pipe"));
        Capture.of(2, 4, 1).write(work.resolve("in/sample.safetensors"));
        Files.createSymbolicLink(work.resolve("link"), pipe);
    }

    private static Path pipe(Path path) throws IOException, InterruptedException {
        Process made = new ProcessBuilder("mkfifo", path.toString()).start();
        assertThat(made.waitFor()).isZero();
        return path;
    }

    /** Runs a command line in which PIPE, IN, OUT, FP8 and TINY stand for paths. */
    private Cli run(String line) {
        List<Object> words = new ArrayList<>();
        for (String word : line.split(" ", -1)) {
            words.add(
                    switch (word) {
                        case "PIPE" -> pipe;
                        case "LINK" -> work.resolve("link");
                        case "IN" -> work.resolve("in");
                        case "OUT" -> work.resolve("out");
                        case "FP8" -> Folder.FP8;
                        case "TINY" -> TINY;
                        default -> word;
                    });
        }
        SharedSpark.context();
        Cli result = Assertions.assertTimeoutPreemptively(AT_ONCE, () -> Cli.run(words.toArray()));
        assertThat(work.resolve("out")).doesNotExist();
        return result;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "calibrate --recipe FP8 --output OUT --input PIPE",
                "calibrate --recipe FP8 --output OUT --input LINK",
                "calibrate --recipe FP8 --output OUT --input PIPE --dry-run",
                "calibrate --recipe FP8 --output OUT --input PIPE --input-format arrow",
                "calibrate --recipe FP8 --output OUT --input IN --input-list PIPE",
                "calibrate --recipe FP8 --output OUT --model TINY --text PIPE",
                "scales --recipe FP8 --output OUT --statistics PIPE",
                "advise --min-sqnr 30 --statistics PIPE",
                "inspect PIPE",
                "inspect LINK",
                "compare PIPE PIPE",
                "evaluate --model TINY --text IN --scales PIPE",
            })
    void aPipeAsDataIsRefused(String line) {
        run(line).fails(ExitCode.DATA, "a pipe, a device or a socket, not a regular file", "to a file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "calibrate --recipe PIPE --output OUT --input IN",
                "calibrate --recipe LINK --output OUT --input IN",
                "scales --recipe PIPE --output OUT --statistics IN",
                "inspect IN --recipe PIPE",
            })
    void aPipeAsRecipeIsRefused(String line) {
        run(line).fails(ExitCode.USAGE, "a pipe, a device or a socket, not a regular file", "in recipe ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x.safetensors", "deep/x.arrow", "x.parquet"})
    void aPipeInAFolderIsAnErrorThatNamesIt(String name) throws Exception {
        Files.createDirectories(work.resolve("in").resolve(name).getParent());
        pipe(work.resolve("in").resolve(name));
        run("calibrate --recipe FP8 --output OUT --input IN").fails(ExitCode.DATA, "a pipe", name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"model.onnx", "config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"})
    void aPipeInAModelFolderIsRefused(String name) throws Exception {
        Path model = Files.createDirectories(work.resolve("model"));
        try (Stream<Path> files = Files.list(TINY)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        Files.deleteIfExists(model.resolve(name));
        pipe(model.resolve(name));
        Cli failed = run("calibrate --recipe FP8 --output OUT --text " + TINY.resolve("texts.jsonl") + " --model "
                        + model)
                .fails(ExitCode.DATA, "a pipe, a device or a socket", "file " + name, "write the content to a file");
        assertThat(failed.err()).doesNotContain("readable").doesNotContain("download");
    }

    @Test
    void devicesAndFilesThatLieAboutTheirLengthAreRefused() {
        for (String device : Arrays.asList("/dev/zero", "/dev/null")) {
            run("scales --recipe FP8 --output OUT --statistics " + device).fails(ExitCode.DATA, "device");
            run("calibrate --recipe FP8 --output OUT --input " + device).fails(ExitCode.DATA, "device");
            run("calibrate --output OUT --input IN --recipe " + device).fails(ExitCode.USAGE, "device");
        }
        run("scales --recipe FP8 --output OUT --statistics /proc/self/maps")
                .fails(ExitCode.DATA, "more than the 0 bytes");
    }

    @Test
    void linksToRegularFilesAreRead() throws IOException {
        Path link = Files.createSymbolicLink(work.resolve("linked.safetensors"), work.resolve("in/sample.safetensors"));
        assertThat(Cli.run("calibrate", "--recipe", Folder.FP8, "--output", work.resolve("out"), "--input", link)
                        .isDone()
                        .out())
                .contains("kv_scales.json");
    }

    @Test
    void statisticsThatAreSomethingElseAreNamed() {
        Path json = Folder.write(work.resolve("kv_scales.json"), "{\"format\": \"kvscale-scales\"}");
        run("scales --recipe FP8 --output OUT --statistics " + json)
                .fails(ExitCode.DATA, "scale table, not a statistics file", "statistics.kvstats");
        run("scales --recipe FP8 --output OUT --statistics IN")
                .fails(ExitCode.DATA, "a folder, not a file", "statistics.kvstats");
        run("scales --recipe FP8 --output OUT --statistics " + work.resolve("in/sample.safetensors"))
                .fails(ExitCode.DATA, "not a statistics file of kvscale");
    }

    @Test
    void missingHistogramsAreTheStatisticsFaultNotTheCaptures() {
        Path out = work.resolve("ranges");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--output", out, "--input", work.resolve("in"))
                .isDone();
        Path mse = Folder.recipe(work, "num_bits: 8, type: float, observer: mse");
        Cli failed = run("scales --output OUT --statistics " + out.resolve("statistics.kvstats") + " --recipe " + mse)
                .fails(ExitCode.DATA, "needs histograms", "ranges/statistics.kvstats", "layer 0 key");
        assertThat(failed.err()).doesNotContain("sample.safetensors");
    }

    @Test
    void anAbsurdScaleIsWarnedOf() throws IOException {
        Path out = work.resolve("scales");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--output", out, "--input", work.resolve("in"))
                .isDone();
        assertThat(Cli.run("inspect", out).isDone().err()).isEmpty();
        Path table = out.resolve("kv_scales.json");
        Files.writeString(table, Folder.text(table).replaceFirst("\"scale\" : \\[ [^ ]+ \\]", "\"scale\" : [ 1e38 ]"));
        assertThat(Cli.run("inspect", out).isDone().err())
                .contains("warning", "layer 0 key has the scale 1.0E38", "does not fit the range");
    }

    /** The memory of a process gives an error of input and output when it is read, as a bad disk does. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void anErrorOfTheDiskNamesTheFile() {
        Path bad = Path.of("/proc/self/mem");
        Cli.run("scales", "--statistics", bad, "--recipe", Folder.FP8, "--output", work.resolve("out"))
                .fails(ExitCode.DATA, "cannot be read: Input/output error", bad.toString());
        Cli.run("inspect", bad).fails(ExitCode.DATA, "cannot be read: Input/output error", bad.toString());
        Cli.run("calibrate", "--dry-run", "--recipe", bad, "--input", Folder.SAMPLE)
                .fails(ExitCode.USAGE, "cannot be read: Input/output error", bad.toString());
    }
}
