package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Control and format characters in the names of files and tensors reach neither a terminal nor a text file. */
@DisabledOnOs(OS.WINDOWS)
class HostileNamesTest {
    private static final String CONTROL = "\u001bc\u001b]0;title\u0007\r\b\u009b31m\u202e\u200b\u2066";

    @TempDir
    private Path work;

    private Path input = Path.of("");

    @BeforeEach
    void writeCaptures() {
        input = work.resolve("in");
        for (int i = 0; i < 2; i++) {
            Capture.of(2, 4, i)
                    .add("other" + CONTROL + i, "F32", List.of(2L), j -> j)
                    .write(input.resolve("a" + CONTROL + i + ".safetensors"));
        }
    }

    @Test
    void inspectShowsNone() {
        for (Path path : List.of(input, input.resolve("a" + CONTROL + "0.safetensors"))) {
            assertClean(Cli.run("inspect", path).isDone());
            assertClean(Cli.run("inspect", path, "--json").isDone());
        }
    }

    @Test
    void calibrationShowsAndWritesNone() {
        Path out = work.resolve("out");
        assertClean(Cli.run("calibrate", "--recipe", Folder.FP8, "--input", input, "--output", out)
                .isDone());
        assertClean(Cli.run("inspect", out).isDone());
        assertClean(Cli.run("inspect", out.resolve("statistics.kvstats")).isDone());
        SortedMap<String, String> files = Folder.content(out);
        for (String name : List.of("kv_scales.json", "report.html", "vllm/config.json")) {
            assertThat(files).containsKey(name);
            assertClean(Folder.text(out.resolve(name)));
        }
        assertClean(Folder.text(out.resolve("run.json")));
        assertThat(Folder.text(out.resolve("kv_scales.json"))).contains("\\u001B]0;title", "\\u202E\\u200B\\u2066");
    }

    @Test
    void errorsShowNone() {
        new Capture()
                .add("layers.0.keys" + CONTROL, "F32", List.of(1L), i -> i)
                .add("layers.10000.keys", "F32", List.of(1L), i -> i)
                .write(input.resolve("b" + CONTROL + ".safetensors"));
        assertClean(Cli.run("calibrate", "--recipe", Folder.FP8, "--input", input, "--output", work.resolve("out"))
                .fails(ExitCode.DATA, "layer 10000"));
        assertClean(Cli.run("inspect", input, "--bogus" + CONTROL).fails(ExitCode.USAGE, "--bogus"));
        Path recipe = Folder.write(work.resolve("r.yaml"), "kv_cache_scheme: {\"num\\e[2Jbits\": 8}");
        assertClean(Cli.run("calibrate", "--recipe", recipe, "--input", input, "--output", work.resolve("out"))
                .fails(ExitCode.USAGE, "unknown key"));
        assertClean(Cli.run("inspect", work.resolve("absent" + CONTROL)).fails(ExitCode.DATA, "absent"));
    }

    private static void assertClean(Cli cli) {
        assertClean(cli.out());
        assertClean(cli.err());
    }

    private static void assertClean(String text) {
        assertThat(text.codePoints()
                        .filter(c -> c != '\n')
                        .filter(c ->
                                Character.getType(c) == Character.CONTROL || Character.getType(c) == Character.FORMAT)
                        .mapToObj(Integer::toHexString)
                        .toList())
                .as(text)
                .isEmpty();
    }
}
