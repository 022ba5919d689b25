package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code calibrate --run-log}: a line for each run, and the history in the report. */
class RunHistoryTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private Path work;

    private Path in = Path.of("");
    private Path log = Path.of("");
    private Path recipe = Path.of("");

    @BeforeEach
    void makeCaptures() {
        in = work.resolve("in");
        log = work.resolve("runs.jsonl");
        recipe = Folder.recipe(work, FP8);
        for (int i = 0; i < 3; i++) {
            Capture.of(2, 20, 100L * i).write(in.resolve("sample-" + i + ".safetensors"));
        }
    }

    private Cli calibrate(String output, Object... more) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--input", in));
        words.addAll(List.of("--output", work.resolve(output)));
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private List<JsonNode> lines() throws IOException {
        return Files.readAllLines(log).stream().map(Folder::json).toList();
    }

    @Test
    void eachRunIsALineWithWhatChanged() throws IOException {
        Path state = work.resolve("state");
        calibrate("a", "--run-log", log, "--state", state).isDone();
        Capture.of(1, 20, 900)
                .key(1, 20, 901)
                .add("layers.1.values", "BF16", List.of(1L, 2L, 20L, 32L), i -> 30)
                .write(in.resolve("new.safetensors"));
        Files.delete(in.resolve("sample-1.safetensors"));
        calibrate("b", "--run-log", log, "--state", state).isDone();
        calibrate("b", "--run-log", log, "--state", state).fails(ExitCode.OUTPUT, "already exists");
        Files.writeString(in.resolve("new.safetensors"), "broken");
        calibrate("c", "--run-log", log, "--state", state).fails(ExitCode.DATA, "new.safetensors");

        List<JsonNode> lines = lines();
        assertThat(lines).hasSize(4);
        JsonNode first = lines.get(0);
        JsonNode run = Folder.json(work.resolve("a/run.json"));
        assertThat(first.get("outcome").asText()).isEqualTo("done");
        assertThat(first.get("exit_code").asInt()).isZero();
        assertThat(first.get("changed")).isEmpty();
        for (String field : List.of(
                "started", "finished", "application_id", "recipe_sha256", "scales_sha256", "input_files", "output")) {
            assertThat(first.get(field)).as(field).isNotNull().isEqualTo(run.get(field));
        }
        JsonNode changed = lines.get(1).get("changed");
        assertThat(changed.get("files_added").asInt()).isEqualTo(1);
        assertThat(changed.get("files_changed").asInt()).isZero();
        assertThat(changed.get("files_gone").asInt()).isEqualTo(1);
        assertThat(changed.get("since").asText())
                .startsWith(first.get("started").asText().substring(0, 19));
        JsonNode largest = changed.get("largest_change");
        assertThat(largest.get("layer").asInt()).isEqualTo(1);
        assertThat(largest.get("role").asText()).isEqualTo("value");
        assertThat(largest.get("from").floatValue())
                .isEqualTo(first.at("/scales/value/1").floatValue());
        assertThat(largest.get("to").floatValue())
                .isEqualTo(Folder.scales(work.resolve("b")).slots().values().stream()
                        .skip(3)
                        .findFirst()
                        .orElseThrow()
                        .scale()[0]);
        JsonNode refused = lines.get(2);
        assertThat(refused.get("outcome").asText()).isEqualTo("failed");
        assertThat(refused.get("exit_code").asInt()).isEqualTo(ExitCode.OUTPUT);
        assertThat(refused.get("message").asText()).contains("already exists");
        assertThat(refused.get("inputs").get(0).asText()).isEqualTo(in.toString());
        assertThat(lines.get(3).get("exit_code").asInt()).isEqualTo(ExitCode.DATA);
        assertThat(lines.get(3).get("message").asText()).contains("new.safetensors");
    }

    @Test
    void onlyTheReportKnowsOfTheLog() throws IOException {
        calibrate("plain").isDone();
        calibrate("a", "--run-log", log).isDone();
        assertThat(Folder.content(work.resolve("a"))).isEqualTo(Folder.content(work.resolve("plain")));
        calibrate("b", "--run-log", log).isDone();
        Map<String, String> with = new HashMap<>(Folder.content(work.resolve("b")));
        Map<String, String> without = new HashMap<>(Folder.content(work.resolve("plain")));
        assertThat(with.remove("report.html")).isNotEqualTo(without.remove("report.html"));
        assertThat(with).isEqualTo(without);
        assertThat(lines().get(1).at("/changed/scales_changed").asInt()).isZero();
        assertThat(Folder.text(work.resolve("b/report.html"))).contains("\"history\":{\"times\":[\"");
    }

    /** Of a file system that is not there, too. */
    @Test
    void passwordsOfUrlsAreNotKept() throws IOException {
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--input",
                        "nosuch://me:secret@host/x",
                        "--output",
                        work.resolve("a"),
                        "--run-log",
                        log)
                .fails(ExitCode.DATA, "nosuch");
        assertThat(lines().get(0).at("/inputs/0").asText()).isEqualTo("nosuch://host/x");
        assertThat(Folder.text(log)).doesNotContain("secret").contains("\"message\"");
    }

    @Test
    void aLogInAStateIsRefused() {
        Path state = work.resolve("state");
        calibrate("a", "--state", state, "--run-log", state.resolve("log.jsonl"))
                .fails(ExitCode.USAGE, "--run-log", "lies in");
        assertThat(state).doesNotExist();
    }

    @Test
    void aLogThatCannotBeUsedFailsBeforeTheWork() throws IOException {
        calibrate("a", "--run-log", recipe).fails(ExitCode.OUTPUT, "the log of runs", "not a log of runs");
        for (Path inside : List.of(work.resolve("a/log.jsonl"), work.resolve("a"), in.resolve("log.jsonl"))) {
            Cli refused = calibrate("a", "--run-log", inside);
            assertThat(refused.code()).isEqualTo(ExitCode.USAGE);
            assertThat(refused.err()).contains("--run-log").contains("lies in");
        }
        assertThat(work.resolve("a")).doesNotExist();
        assertThat(in.resolve("log.jsonl")).doesNotExist();
        recipe = Folder.write(work.resolve("wrong.yaml"), "kv_cache_scheme: {num_bits: 9}");
        calibrate("a", "--run-log", log).fails(ExitCode.USAGE);
        assertThat(lines().get(0).get("exit_code").asInt()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void runJsonSaysWhatALineageToolNeeds() throws IOException {
        calibrate("a").isDone();
        JsonNode run = Folder.json(work.resolve("a/run.json"));
        assertThat(run.get("application_id").asText())
                .isEqualTo(SharedSpark.context().sc().applicationId());
        assertThat(run.get("application_name").asText()).isEqualTo("tests");
        assertThat(run.get("user").asText()).isNotEmpty();
        assertThat(run.get("recipe").asText()).isEqualTo(recipe.toString());
        assertThat(run.get("recipe_sha256").asText()).isEqualTo(DigestUtils.sha256Hex(Folder.bytes(recipe)));
        assertThat(run.get("input_uris").get(0).asText()).isEqualTo("file:" + in);
        assertThat(run.get("read_limit_ratio").asDouble()).isBetween(1e-6, 1.0);
        assertThat(run.at("/input_files/files").asInt()).isEqualTo(3);
        assertThat(run.at("/input_files/bytes").asLong()).isEqualTo(3 * Files.size(in.resolve("sample-0.safetensors")));
        assertThat(run.at("/corpus/fingerprint"))
                .isEqualTo(Folder.json(work.resolve("a/kv_scales.json")).at("/corpus/fingerprint"));
        assertThat(run.get("output").asText()).isEqualTo(work.resolve("a").toString());
        List<String> outputs = new ArrayList<>();
        for (JsonNode output : run.get("outputs")) {
            byte[] bytes =
                    Folder.bytes(work.resolve("a").resolve(output.get("path").asText()));
            assertThat(output.get("bytes").asInt()).isEqualTo(bytes.length);
            assertThat(output.get("sha256").asText()).isEqualTo(DigestUtils.sha256Hex(bytes));
            outputs.add(output.get("path").asText());
        }
        assertThat(outputs)
                .contains("kv_scales.json", "statistics.kvstats", "vllm/config.json")
                .doesNotContain("run.json");
        // The same files give the same identity, with a state too; a file that was written again another one.
        calibrate("b", "--state", work.resolve("state")).isDone();
        assertThat(Folder.json(work.resolve("b/run.json")).get("input_files")).isEqualTo(run.get("input_files"));
        Files.setLastModifiedTime(
                in.resolve("sample-0.safetensors"), java.nio.file.attribute.FileTime.fromMillis(5000));
        calibrate("c").isDone();
        assertThat(Folder.json(work.resolve("c/run.json")).at("/input_files/sha256"))
                .isNotEqualTo(run.at("/input_files/sha256"));
    }
}
