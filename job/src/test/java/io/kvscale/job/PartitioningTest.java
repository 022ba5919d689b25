package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import io.kvscale.observer.CalibrationStatistics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.apache.spark.TaskContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Results do not depend on partitions, order of inputs, serializer or retries. */
class PartitioningTest {
    private static final int FILES = 9;

    @TempDir
    private Path work;

    private Path input = Path.of("");
    private Path recipe = Path.of("");
    private SortedMap<String, String> expected = new java.util.TreeMap<>();

    @BeforeEach
    void calibrateInOneTask() {
        input = work.resolve("in");
        for (int i = 0; i < FILES; i++) {
            Capture.of(3, 5 + 3 * i, 100 + i).write(input.resolve("folder-" + i % 2 + "/sample-" + i + ".safetensors"));
        }
        // This observer depends on the order of batches.
        recipe = Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: attn_head, symmetric: true, observer: minmax",
                "kvscale:",
                "  value: {scheme: {strategy: group, group_size: 8, observer: static_minmax}}");
        expected = run("one", "--input", input, "--partitions", 1);
        assertThat(expected).hasSize(4).containsKey("statistics.kvstats");
    }

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    private SortedMap<String, String> run(String name, Object... args) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--output", work.resolve(name)));
        Collections.addAll(words, args);
        Cli.run(words.toArray()).isDone();
        return Folder.content(work.resolve(name));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 7, 64, 500})
    void anyNumberOfPartitionsGivesTheSameBytes(int partitions) {
        assertThat(run("more", "--input", input, "--partitions", partitions)).isEqualTo(expected);
        int cut = Folder.json(work.resolve("more/run.json")).get("partitions").asInt();
        assertThat(cut).isBetween(Math.min(partitions, 2 * FILES), partitions);
    }

    @Test
    void histogramsAreTheSameBytesForAnyNumberOfPartitions() {
        Path counting = Folder.recipe(
                work, "num_bits: 8, type: float, strategy: attn_head", "kvscale: {statistics: histogram}");
        List<SortedMap<String, String>> results = new ArrayList<>();
        for (int partitions : new int[] {1, 2, 7}) {
            Path out = work.resolve("counted-" + partitions);
            Cli.run(
                            "calibrate",
                            "--recipe",
                            counting,
                            "--output",
                            out,
                            "--input",
                            Folder.SAMPLE,
                            "--partitions",
                            partitions)
                    .isDone();
            results.add(Folder.content(out));
        }
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(results.get(0)));
        CalibrationStatistics statistics =
                CalibrationStatistics.fromByteArray(Folder.bytes(work.resolve("counted-7/statistics.kvstats")));
        assertThat(statistics.slots().values())
                .hasSize(60)
                .allSatisfy(slot -> assertThat(Objects.requireNonNull(
                                        slot.histogram(0, slot.geometry().heads()))
                                .counts())
                        .satisfies(counts ->
                                assertThat(LongStream.of(counts).sum()).isEqualTo(slot.finite())));
    }

    @Test
    void theOrderOfInputsDoesNotMatter() {
        List<String> files = new ArrayList<>();
        for (int i = 0; i < FILES; i++) {
            files.add(input.resolve("folder-" + i % 2 + "/sample-" + i + ".safetensors")
                    .toString());
        }
        List<SortedMap<String, String>> results = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Collections.shuffle(files, new Random(i));
            // A file that is given twice counts once.
            Path list =
                    Folder.write(work.resolve("list-" + i), String.join("\n", files) + "\n\n  " + files.get(0) + "\n");
            results.add(run("listed-" + i, "--input-list", list, "--partitions", 1 + 3 * i));
        }
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(results.get(0)));
        assertThat(results.get(0).keySet()).isEqualTo(expected.keySet());
    }

    @Test
    void kryoDoesNotChangeTheResult() {
        assertThat(run(
                        "kryo",
                        "--input",
                        input,
                        "--partitions",
                        7,
                        "--conf",
                        "spark.serializer=org.apache.spark.serializer.KryoSerializer",
                        "--conf",
                        "spark.kryo.registrationRequired=false",
                        "--master",
                        "local[2]"))
                .isEqualTo(expected);
    }

    @Test
    void aFailedReadIsRetried() {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        HookedFileSystem.onOpen = path -> {
            if (path.getName().contains("sample-4") && failed.add(path.getName())) {
                throw new IOException("connection reset");
            }
        };
        assertThat(run("retried", "--input", HookedFileSystem.of(input), "--partitions", 7))
                .isEqualTo(expected);
        assertThat(failed).hasSize(1);
    }

    @Test
    void aFailedTaskIsRetried() {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        HookedFileSystem.onOpen = path -> {
            if (TaskContext.get() != null && failed.add(path.getName())) {
                throw new IllegalStateException("every file breaks its task once");
            }
        };
        // Each task reads one file, because a task runs at most four times.
        assertThat(run("broken", "--input", HookedFileSystem.of(input), "--partitions", FILES))
                .isEqualTo(expected);
    }

    @Test
    void aReadThatKeepsFailingNamesTheFile() {
        HookedFileSystem.onOpen = path -> {
            if (path.getName().contains("sample-4")) {
                throw new IOException("connection reset");
            }
        };
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--input",
                        HookedFileSystem.of(input),
                        "--output",
                        work.resolve("never"))
                .fails(ExitCode.DATA, "folder-0/sample-4.safetensors", "connection reset");
    }
}
