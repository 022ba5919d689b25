package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.target.TargetTables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands whose output does not fit on the disk: exit code 4 with the folder, and nothing is left. */
class FullDiskTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");
    private static final Path TEXTS = MODEL.resolve("texts.jsonl");
    private static final Path TEXT_RECIPE = Folder.HOME.resolve("conf/recipes/fp8_text.yaml");

    @TempDir
    private Path work;

    private Path scales = Path.of("");

    @BeforeEach
    void deriveScales() {
        scales = work.resolve("scales");
        Cli.run("calibrate", "--recipe", TEXT_RECIPE, "--model", MODEL, "--text", TEXTS, "--output", scales)
                .isDone();
    }

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    private static void everyCommandFails(Path scales, String full, Path free) {
        Path large = Capture.put(
                scales.resolveSibling("large/kv_scales.json"),
                TargetTables.of(TargetTables.FP8, 30).toJson());
        List<List<Object>> commands = List.of(
                List.of("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", full + "/out"),
                List.of(
                        "scales",
                        "--statistics",
                        scales.resolve("statistics.kvstats"),
                        "--recipe",
                        TEXT_RECIPE,
                        "--report",
                        "--output",
                        full + "/out"),
                List.of("export", "--scales", large, "--for", "vllm", "--output", full + "/out"),
                List.of("evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales, "--output", full + "/out"));
        for (List<Object> command : commands) {
            Cli.run(command.toArray())
                    .fails(ExitCode.OUTPUT, full + "/out", "No space left on device", "free space", "--output");
        }
        Cli.run(
                        "calibrate",
                        "--recipe",
                        TEXT_RECIPE,
                        "--model",
                        MODEL,
                        "--text",
                        TEXTS,
                        "--save-captures",
                        full + "/captures",
                        "--output",
                        free)
                .fails(ExitCode.OUTPUT, full, "No space left on device", "free space", "--save-captures");
        assertThat(free).doesNotExist();
    }

    /** Hadoop throws an Error when a local disk is full. */
    @Test
    void anErrorOfTheFileSystemNamesTheFolder() throws IOException {
        HookedFileSystem.capacity = 1_000;
        Path full = Files.createDirectory(work.resolve("full"));
        everyCommandFails(scales, "hooked:" + full, work.resolve("free"));
        assertThat(full).isEmptyDirectory();
    }

    @Test
    void aFullDiskNamesTheFolder() throws Exception {
        Path full = Files.createDirectory(work.resolve("full"));
        Assumptions.assumeTrue(
                ran("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", full), "only root can mount a small file system");
        try {
            Path filler = Files.write(full.resolve("filler"), new byte[(1 << 20) - 3 * 4096]);
            everyCommandFails(scales, full.toString(), work.resolve("free"));
            mergingFails(full);
            aStateKeepsNothing(full.resolve("state"));
            try (Stream<Path> left = Files.list(full)) {
                assertThat(left).containsExactly(filler);
            }
        } finally {
            // Detached at once, even if the JVM has not yet closed a file of it.
            assertThat(ran("umount", "-l", full)).isTrue();
        }
    }

    private void aStateKeepsNothing(Path state) throws IOException {
        List<Object> command =
                List.of("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", work.resolve("out"));
        Cli.run(command.toArray()).isDone();
        var expected = Folder.content(work.resolve("out"));
        List<Object> kept = new ArrayList<>(command);
        kept.addAll(List.of("--overwrite", "--state", state));
        assertThat(Cli.run(kept.toArray()).isDone().err())
                .contains("warning: the state " + state + " does not keep", "No space left on device");
        assertThat(Folder.content(work.resolve("out"))).isEqualTo(expected);
        FileUtils.deleteDirectory(state.toFile());
    }

    private void mergingFails(Path full) {
        Path table = Capture.put(
                work.resolve("table/kv_scales.json"),
                TargetTables.of(TargetTables.FP8, 1).toJson());
        Path model = CheckpointFolder.llama(work.resolve("model"), 1)
                .text(
                        "config.json",
                        "{\"model_type\": \"llama\", \"hidden_size\": 128, \"num_attention_heads\": 4,"
                                + " \"num_key_value_heads\": 2, \"num_hidden_layers\": 1}")
                .tensor("x", "U8", List.of(1L << 20), new byte[1 << 20])
                .write();
        for (String copy : List.of("--copy", "--quiet")) {
            Cli.run("export", "--scales", table, "--for", "vllm", "--model", model, "--output", full + "/out", copy)
                    .fails(ExitCode.OUTPUT, full + "/out", "No space left on device", "free space", "--output");
        }
    }

    private static boolean ran(Object... words) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(
                            Arrays.stream(words).map(String::valueOf).toList())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
