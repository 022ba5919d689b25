package io.kvscale.job.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import io.kvscale.job.Folder;
import io.kvscale.job.export.OutputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lines of a log of runs, and lists of files. */
class RunLogTest {
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    private Path work;

    private RunLog open() {
        return RunLog.open(work.resolve("runs/log.jsonl").toString(), HADOOP);
    }

    private static Map<String, Object> line(int day, Object scale) {
        Map<String, Object> line = new java.util.LinkedHashMap<>();
        line.put("kvscale_run", 1);
        line.put("started", "2026-11-" + day + "T02:00:00Z");
        line.put("scales", Map.of("key", Map.of("0", scale)));
        return line;
    }

    @Test
    void linesAreAppended() {
        open().add(line(10, 0.5));
        open().add(line(11, 0.25));
        assertThat(Folder.text(work.resolve("runs/log.jsonl")).lines())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).startsWith(RunLog.START));
        assertThat(open().past())
                .extracting(run -> run.time() + " " + run.scales())
                .containsExactly("2026-11-10T02:00:00Z {layer 0 key=0.5}", "2026-11-11T02:00:00Z {layer 0 key=0.25}");
    }

    @Test
    void aLineThatACrashCutShortSpoilsNoOther() throws IOException {
        Path file = work.resolve("runs/log.jsonl");
        open().add(line(10, 0.5));
        Files.writeString(file, "{\"kvscale_run\":1,\"sta", StandardOpenOption.APPEND);
        open().add(line(12, 0.75));
        assertThat(Files.readAllLines(file)).hasSize(3).element(1).isEqualTo("{\"kvscale_run\":1,\"sta");
        assertThat(open().past())
                .extracting(run -> run.scales().toString())
                .containsExactly("{layer 0 key=0.5}", "{layer 0 key=0.75}");
        Files.writeString(file, "{\"kvsc");
        open().add(line(13, 1.5));
        assertThat(open().past()).hasSize(1);
    }

    @Test
    void runsAtTheSameTimeLoseNoLine() {
        List<RunLog> logs = IntStream.range(0, 20).mapToObj(i -> open()).toList();
        logs.parallelStream().forEach(log -> log.add(line(10, 0.5)));
        assertThat(open().past()).hasSize(20);
    }

    @Test
    void elsewhereALogIsAFolderWithAFileForEachRun() throws IOException {
        Path folder = Files.createDirectories(work.resolve("folder"));
        for (String name : List.of("hooked://" + folder, folder.toString())) {
            RunLog log = RunLog.open(name, HADOOP);
            log.add(line(10, 0.5));
            log.add(line(11, 0.25));
        }
        Files.writeString(folder.resolve("notes.txt"), "mine");
        Files.writeString(folder.resolve("00001764554400000-0123abcd.json"), "{\"kvscale_run\":1");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files)
                    .hasSize(6)
                    .noneMatch(file -> file.getFileName().toString().startsWith("."));
        }
        assertThat(RunLog.open("hooked://" + folder, HADOOP).past()).hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"format\": \"kvscale-scales\"}", "\n", "KVSTATS", "{\"kvscale_ran\":1}\n"})
    void anotherFileStaysAsItIs(String content) throws IOException {
        Path file = Files.createDirectories(work.resolve("runs")).resolve("log.jsonl");
        Files.writeString(file, content);
        assertThatThrownBy(this::open)
                .isInstanceOf(OutputException.class)
                .hasMessageContaining("it is not a log of runs")
                .hasMessageContaining("--run-log");
        assertThat(file).hasContent(content);
    }

    @Test
    void linesWithUnusableScalesAreLeftOut() throws IOException {
        RunLog log = open();
        for (Object bad : Arrays.asList(-1, 0, 1e300, "x", null, List.of(), Map.of())) {
            log.add(line(10, bad == null ? "null" : bad));
        }
        for (String bad : List.of(
                "{\"kvscale_run\":2,\"started\":\"2026-11-10T02:00:00Z\",\"scales\":{}}",
                "{\"kvscale_run\":1,\"started\":\"<img src=x>\",\"scales\":{}}",
                "{\"kvscale_run\":1,\"started\":\"2026-11-10T02:00:00Z\",\"scales\":{\"<b>\":{\"0\":1}}}",
                "{\"kvscale_run\":1,\"started\":\"2026-11-10T02:00:00Z\",\"scales\":{\"key\":{\"-1\":1}}}",
                "{\"kvscale_run\":1,\"started\":\"2026-11-10T02:00:00Z\",\"scales\":{\"key\":{\"99999\":1}}}",
                "{\"kvscale_run\":1,\"a\":" + "[".repeat(5000) + "}",
                "[]",
                "\u0000")) {
            Files.writeString(work.resolve("runs/log.jsonl"), bad + "\n", StandardOpenOption.APPEND);
        }
        assertThat(log.past()).isEmpty();
    }

    @Test
    void onlyTheLastHundredRunsCount() {
        RunLog log = open();
        for (int i = 0; i < 103; i++) {
            log.add(line(10 + i % 20, 1 + i));
        }
        assertThat(log.past()).hasSize(100);
        assertThat(log.past().get(0).scales().values()).containsExactly(4f);
    }

    @Test
    void listsOfFilesTellWhatChanged() {
        List<InputFile> before = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            before.add(new InputFile("/in/" + i, String.valueOf(i), "in", new FileVersion(5, i, null)));
        }
        FileList last = FileList.of(before);
        assertThat(java.util.Objects.requireNonNull(FileList.parsed(last.bytes()))
                        .bytes())
                .isEqualTo(last.bytes());
        assertThat(last.since(last)).isEqualTo(new FileList.Changes(0, 0, 0));
        List<InputFile> now = new ArrayList<>(before.subList(3, 10));
        now.set(0, new InputFile("/in/3", "3", "in", new FileVersion(5, 99, null)));
        now.add(new InputFile("/in/x", "x", "in", new FileVersion(5, 0, "etag")));
        assertThat(FileList.of(now).since(last)).isEqualTo(new FileList.Changes(1, 1, 3));
    }

    @Test
    void damagedListsAreNotUsed() {
        byte[] list = FileList.of(List.of(new InputFile("/in/a", "a", "in", 5))).bytes();
        Random random = new Random(7);
        for (int i = 0; i < list.length; i++) {
            byte[] bad = list.clone();
            bad[i] ^= (byte) (1 << random.nextInt(8));
            assertThat(FileList.parsed(bad)).isNull();
            assertThat(FileList.parsed(Arrays.copyOf(list, i))).isNull();
        }
        assertThat(FileList.parsed(Arrays.copyOf(list, list.length + 16))).isNull();
    }
}
