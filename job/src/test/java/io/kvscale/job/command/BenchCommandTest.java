package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.job.Cli;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command runs, prints positive figures and removes its files. Speeds are not checked. */
class BenchCommandTest {
    private static final String[] RATES = {
        "read_gbps",
        "read_gbps_2",
        "task_gbps_1",
        "task_gbps_2",
        "ratio_1",
        "ratio_2",
        "fold_ratio_1",
        "pairs_gbps_1",
        "pairs_ratio_1",
        "small_pairs_ratio_1",
        "histogram_gbps_1",
        "histogram_ratio_1",
        "small_histogram_gbps_1",
        "small_histogram_ratio_1",
        "histogram_bytes_per_head",
        "small_histogram_bytes_per_head",
        "histogram_heap_used_mb",
        "derive_ms_per_slot",
        "derive_ms_per_slot_2",
        "observe_gbps",
        "update_gbps",
        "update_bound_gbps",
        "update_kernels_gbps",
        "histogram_of_bound_1",
        "small_histogram_of_bound_1",
        "small_read_gbps",
        "small_read_gbps_2",
        "small_task_gbps_1",
        "small_task_gbps_2",
        "small_ratio_1",
        "small_ratio_2",
        "heap_used_mb",
        "size_bytes",
        "block_bytes",
        "cores"
    };

    private String out = "";
    private String err = "";

    private int run(String... args) {
        Cli done = Cli.run((Object[]) args);
        out = done.out();
        err = done.err();
        return done.code();
    }

    @Test
    void everyFigureIsPrintedAndTheFolderIsRemoved(@TempDir Path dir) throws Exception {
        assertThat(run("bench", "--size", "8388608", "--dir", dir.toString(), "--json"))
                .isEqualTo(ExitCode.DONE);
        JsonNode figures = JsonMapper.builder().build().readTree(out);
        for (String name : RATES) {
            assertThat(figures.path(name).isNumber()).as(name).isTrue();
            assertThat(figures.path(name).asDouble()).as(name).isPositive().isFinite();
        }
        assertThat(figures.path("ratio_1").asDouble())
                .isEqualTo(figures.path("task_gbps_1").asDouble()
                        / figures.path("read_gbps").asDouble());
        assertThat(figures.path("java").asText()).isEqualTo(System.getProperty("java.version"));
        assertThat(figures.path("kernel").asText()).isIn("vector", "scalar");
        if (figures.path("kernel").asText().equals("vector")) {
            assertThat(figures.path("cpu_vector_bits").asInt()).isIn(128, 256, 512);
            assertThat(figures.path("vector_bits").asInt())
                    .isBetween(128, figures.path("cpu_vector_bits").asInt());
        }
        assertThat(dir).isEmptyDirectory();
    }

    @Test
    void smallFilesAreMeasuredStageByStage(@TempDir Path dir) throws Exception {
        assertThat(run("bench", "--files", "120", "--dir", dir.toString(), "--json"))
                .isEqualTo(ExitCode.DONE);
        JsonNode figures = JsonMapper.builder().build().readTree(out);
        for (String stage : List.of("list", "plan", "start", "headers", "ranges", "minmax")) {
            for (String figure : List.of("_cpu_seconds", "_ms_per_file", "_growth", "_heap_bytes_per_file")) {
                assertThat(figures.path(stage + figure).isNumber())
                        .as(stage + figure)
                        .isTrue();
            }
        }
        assertThat(figures.path("files").asInt()).isEqualTo(120);
        assertThat(dir).isEmptyDirectory();
    }

    @Test
    void smallFilesAreMeasuredAlone() {
        assertThat(run("bench", "--files", "1")).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--files");
        assertThat(run("bench", "--files", "200", "--sql")).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--sql cannot be combined with --files");
    }

    /** Starts four JVMs. */
    @Tag("cluster")
    @Test
    void theWholeCommandIsMeasuredBesideCat(@TempDir Path dir) throws Exception {
        assertThat(run("bench", "--command", "--size", "4194304", "--dir", dir.toString(), "--json"))
                .isEqualTo(ExitCode.DONE);
        JsonNode figures = JsonMapper.builder().build().readTree(out);
        for (String prefix : List.of("", "x8_")) {
            for (int cores = 1; cores <= 2; cores++) {
                double cat = figures.path(prefix + "cat_seconds_" + cores).asDouble();
                double command =
                        figures.path(prefix + "command_seconds_" + cores).asDouble();
                assertThat(command).isGreaterThan(cat);
                assertThat(figures.path(prefix + "command_ratio_" + cores).asDouble())
                        .isEqualTo(cat / command);
            }
        }
        assertThat(dir).isEmptyDirectory();
    }

    @Test
    void aSizeThatIsTooSmallIsWrongUsage() {
        assertThat(run("bench", "--size", "1000")).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--size");
    }
}
