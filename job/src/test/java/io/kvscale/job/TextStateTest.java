package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.state.StateContents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code calibrate --state} with texts: results are those of a run without a state, and the model runs over a text once. */
class TextStateTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";
    private static final String MINMAX = "num_bits: 8, type: float, strategy: attn_head, observer: minmax";

    /** Every text is longer, and is a batch of its own. */
    private static final String ALONE = "chunk_tokens: 16";

    /** K and V of 3 layers with 2 heads of 16 values of 4 bytes. */
    private static final int TOKEN_BYTES = 2 * 3 * 2 * 16 * 4;

    @TempDir
    private Path work;

    private Path model = Folder.HOME.resolve("conf/tiny-model");
    private Path in = Path.of("");
    private String query = "";
    private int runs;

    @BeforeEach
    void writeTexts() {
        in = work.resolve("in");
        write("a.jsonl", 0, 12);
    }

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    private static String text(int number) {
        Random random = new Random(number);
        List<String> words = List.of("river", "scale", "of", "keys", "value", "head", "cache", "and", "the", "moon");
        StringBuilder text = new StringBuilder("text " + number);
        for (int i = 12 + random.nextInt(8); i > 0; i--) {
            text.append(' ').append(words.get(random.nextInt(words.size())));
        }
        return text.toString();
    }

    private Path write(String name, int from, int to) {
        return write(name, IntStream.range(from, to).toArray());
    }

    private Path write(String name, int... numbers) {
        StringBuilder lines = new StringBuilder();
        for (int number : numbers) {
            lines.append("{\"text\": \"").append(text(number)).append("\"}\n");
        }
        return Folder.write(in.resolve(name), lines.toString());
    }

    private Path recipe(String scheme, String kvscale) {
        return Folder.recipe(work, scheme, "kvscale: {" + kvscale + "}");
    }

    private Cli run(Path recipe, Path output, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--model", model, "--output", output, "--overwrite"));
        words.addAll(query.isEmpty() ? List.of("--text", in) : List.of("--query", query));
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private Cli kept(Path recipe, Object... more) {
        List<Object> words = new ArrayList<>(List.of("--state", HookedFileSystem.of(work.resolve("state"))));
        words.addAll(List.of(more));
        return run(recipe, work.resolve("kept"), words.toArray());
    }

    /** Calibrates with and without the state, and compares the results. @return run.json */
    private JsonNode calibrate(Path recipe, Object... more) {
        Path fresh = work.resolve("fresh-" + runs++);
        Cli without = run(recipe, fresh).isDone();
        Cli with = kept(recipe, more).isDone();
        assertThat(Folder.content(work.resolve("kept"))).isEqualTo(Folder.content(fresh));
        assertThat(with.err().lines().filter(line -> !line.contains(" from the state")))
                .containsExactlyElementsOf(without.err().lines().toList());
        return Folder.json(work.resolve("kept/run.json"));
    }

    /** Calibrates with the state, without a comparison. @return run.json */
    private JsonNode again(Path recipe) {
        kept(recipe).isDone();
        return Folder.json(work.resolve("kept/run.json"));
    }

    /** @param texts over which the model ran, in all passes */
    private void assertRan(JsonNode run, int texts) {
        JsonNode state = run.path("state");
        assertThat(state.path("groups_not_kept").asInt()).isZero();
        long tokens = state.path("tokens_read").asLong();
        assertThat(run.path("read_bytes").asLong()).isEqualTo(tokens * TOKEN_BYTES);
        if (texts == 0) {
            assertThat(tokens).isZero();
            // The model was not opened.
            assertThat(run.at("/task_seconds_by_phase/model").asDouble()).isZero();
        } else {
            assertThat(tokens).isBetween(25L * texts, 90L * texts);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                MINMAX,
                "num_bits: 8, type: int, strategy: attn_head, observer: mse",
            })
    void theModelRunsOverNewTextsOnly(String scheme) throws IOException {
        Path recipe = recipe(scheme, ALONE);
        kept(recipe, "--partitions", 5).isDone();
        assertRan(calibrate(recipe, "--partitions", 2), 0);
        write("b.jsonl", 12, 15);
        assertRan(calibrate(recipe), 3);
        Files.delete(in.resolve("b.jsonl"));
        assertRan(again(recipe), 0);
    }

    /** Statistics name the texts with the extreme values. */
    @Test
    void textsWithOtherNamesAreOtherTexts() {
        Path recipe = recipe(FP8, ALONE);
        kept(recipe, "--partitions", 20).isDone();
        write("a.jsonl", 0, 1, 2, 13, 4, 5, 5);
        write("b.jsonl", 6, 7, 8);
        assertRan(calibrate(recipe), 5);
    }

    /** A table names its rows by their content. */
    @Test
    void rowsOfATableMayMove() {
        Path recipe = recipe(FP8, ALONE);
        query = select(1, 2, 3, 4);
        assertRan(calibrate(recipe), 4);
        query = select(4, 1, 9, 2, 3);
        assertRan(calibrate(recipe), 1);
    }

    private static String select(int... numbers) {
        return IntStream.of(numbers)
                .mapToObj(number -> "('" + text(number) + "')")
                .collect(Collectors.joining(", ", "SELECT * FROM VALUES ", " AS t(text)"));
    }

    /** Texts are chosen by hash: of a grown corpus others, as a run without a state does. */
    @Test
    void aChoiceOfAGrownCorpusIsThatOfAFreshRun() {
        Path six = recipe(FP8, ALONE + ", num_calibration_samples: 6");
        kept(six, "--partitions", 9).isDone();
        assertRan(calibrate(recipe(FP8, ALONE + ", num_calibration_samples: 9")), 3);
        assertRan(again(six), 0);
        write("more.jsonl", 12, 24);
        JsonNode grown = calibrate(six);
        assertThat(grown.at("/state/tokens_reused").asLong()).isPositive();
        assertThat(grown.at("/state/tokens_read").asLong()).isPositive();
        assertRan(again(six), 0);
    }

    /** Bits depend on the shape of a batch, so a short text runs again with others. */
    @Test
    void batchesAndWindowsAndPackedTextsAreKeptAsTheyAre() {
        Path batches = recipe(FP8, "");
        assertRan(again(batches), 12);
        assertRan(again(batches), 0);
        write("b.jsonl", 12, 13);
        assertThat(calibrate(batches).at("/state/tokens_read").asLong()).isGreaterThan(90);
        for (String settings : List.of(
                "max_seq_length: 24, long_texts: windows, chunk_tokens: 16",
                "max_seq_length: 32, concatenate_data: true")) {
            Path recipe = recipe(FP8, settings);
            again(recipe);
            assertRan(calibrate(recipe), 0);
        }
    }

    /** The second pass depends on the scales of the first one. */
    @Test
    void feedbackTakesTheFirstPassFromTheState() {
        Path recipe = recipe(FP8, ALONE + ", feedback: fake_quantize");
        assertRan(again(recipe(FP8, ALONE)), 12);
        JsonNode state = again(recipe).path("state");
        assertThat(state.path("tokens_reused").asLong())
                .isEqualTo(state.path("tokens_read").asLong())
                .isPositive();
        assertRan(calibrate(recipe), 0);
    }

    @Test
    void otherModelsAndRecipesDoNotMix() throws IOException {
        Path recipe = recipe(FP8, ALONE);
        assertRan(again(recipe), 12);
        assertRan(again(recipe(FP8, "chunk_tokens: 17")), 12);
        assertRan(again(recipe(FP8, ALONE + ", ignore: ['layers\\.9\\.']")), 12);
        assertRan(again(recipe("num_bits: 8, type: int, strategy: channel, symmetric: false", ALONE)), 0);
        assertRan(again(recipe("num_bits: 8, type: int, strategy: attn_head, observer: mse", ALONE)), 12);

        Path other = work.resolve("model");
        Files.createDirectory(other);
        for (String name : Folder.names(model).keySet()) {
            Files.copy(model.resolve(name), other.resolve(name));
        }
        model = other;
        assertRan(again(recipe), 0);
        byte[] graph = Folder.bytes(other.resolve("model.onnx"));
        graph[graph.length / 2] ^= 1; // within a weight
        Files.write(other.resolve("model.onnx"), graph);
        assertRan(calibrate(recipe), 12);
    }

    private List<Path> groups() throws IOException {
        try (Stream<Path> files = Files.list(work.resolve("state/groups"))) {
            return files.sorted().toList();
        }
    }

    @Test
    void damagedGroupsAreRunAgainAndSaid() throws IOException {
        Path recipe = recipe(FP8, ALONE);
        run(recipe, work.resolve("fresh")).isDone();
        SortedMap<String, String> expected = Folder.content(work.resolve("fresh"));
        kept(recipe, "--partitions", 3).isDone();
        for (int i = 0; i < 4; i++) {
            Path group = groups().get(i % 3);
            byte[] whole = Folder.bytes(group);
            int header = ByteBuffer.wrap(whole).getInt(12);
            int[] places = {8, 20, 20 + header + 40, whole.length - 1};
            byte[] flipped = whole.clone();
            flipped[places[i]] ^= 1;
            Files.write(group, i == 3 ? Arrays.copyOf(whole, whole.length / 2) : flipped);
            assertThat(kept(recipe).isDone().err())
                    .contains(
                            "warning: a group of the state ",
                            " cannot be used, and the model ran over its texts again: " + group.getFileName());
            assertThat(Folder.content(work.resolve("kept"))).isEqualTo(expected);
            if (i == 0) {
                Files.deleteIfExists(group); // a newer version: it stays
            }
            again(recipe);
        }
        StateContents.replace(work.resolve("state"), new byte[] {1, 2, 3});
        assertThat(kept(recipe).isDone().err()).contains("these bytes are not a task's state");
        assertThat(Folder.content(work.resolve("kept"))).isEqualTo(expected);
        assertRan(again(recipe), 0);
    }

    /** As in a run that was killed: some groups are there. */
    @Test
    void aFullDiskCostsTheGroupsNotTheResult() throws IOException {
        Path recipe = recipe(FP8, ALONE);
        HookedFileSystem.capacity = 1_000;
        assertThat(kept(recipe, "--partitions", 3).isDone().err())
                .containsPattern("warning: the state .* does not keep \\d groups of texts .*No space left on device");
        HookedFileSystem.reset();
        assertRan(calibrate(recipe), 12);
    }

    @Test
    @Timeout(240)
    @DisabledOnOs(OS.WINDOWS)
    void aKilledRunGoesOnWhereItStopped() throws Exception {
        Path recipe = recipe(FP8, ALONE);
        Files.createDirectory(work.resolve("tmp"));
        List<Object> words = List.of(
                "calibrate",
                "--recipe",
                recipe,
                "--model",
                model,
                "--text",
                in,
                "--output",
                work.resolve("killed"),
                "--state",
                work.resolve("state"),
                "--partitions",
                40);
        for (int i = 0; i < 40; i++) {
            Folder.write(in.resolve("long-" + i + ".txt"), text(i) + " on and on".repeat(150));
        }
        Process killed = OwnJvm.start(work, words);
        while (!Files.isDirectory(work.resolve("state/groups")) || keptGroups() < 3) {
            assertThat(killed.isAlive())
                    .as(() -> Folder.text(work.resolve("messages")))
                    .isTrue();
            Thread.sleep(5);
        }
        killed.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
        assertThat(work.resolve("killed")).doesNotExist();
        JsonNode state = calibrate(recipe).path("state");
        assertThat(state.path("groups_reused").asInt()).isGreaterThanOrEqualTo(3);
    }

    private long keptGroups() throws IOException {
        return groups().stream()
                .filter(file -> file.toString().endsWith(".kvgroup"))
                .count();
    }

    @Test
    void groupsOfWhichATextIsGoneAreReplaced() throws IOException {
        Path recipe = recipe(FP8, ALONE);
        again(recipe);
        assertThat(groups()).hasSize(1);
        write("a.jsonl", 0, 11);
        assertRan(again(recipe), 11);
        assertThat(groups()).hasSize(1);
        assertRan(again(recipe), 0);
    }

    @Test
    void theCommandShowsVerifiesAndPrunes() throws IOException {
        Path state = work.resolve("state");
        kept(recipe(FP8, ALONE), "--partitions", 4).isDone();
        assertThat(Cli.run("state", state, "--verify").isDone().out())
                .contains("texts", "tokens", "no run uses it")
                .doesNotContain("captures")
                .containsPattern("range statistics of texts +[0-9a-f]{12} +[45] +12 +\\d{3} +0\\.\\d\\d");
        Files.delete(in.resolve("a.jsonl"));
        assertThat(Cli.run("state", state, "--prune").isDone().out()).doesNotContain("removed");
        Path damaged = groups().get(0);
        byte[] bytes = Folder.bytes(damaged);
        bytes[bytes.length - 40] ^= 1;
        Files.write(damaged, bytes);
        Cli.run("state", state, "--verify").fails(ExitCode.DATA, "1 of ");
        assertThat(Cli.run("state", state, "--verify", "--prune").isDone().out())
                .contains("removed " + damaged.getFileName());
    }

    @Test
    void whatNeedsAllTextsIsRefused() {
        kept(recipe(FP8, ""), "--save-captures", work.resolve("saved"))
                .fails(ExitCode.USAGE, "--state cannot be combined with --save-captures");
    }
}
