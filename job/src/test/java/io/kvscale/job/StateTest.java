package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.state.KeptGroup;
import io.kvscale.job.state.StateContents;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code calibrate --state}: results are those of a run without a state, and files are read once. */
class StateTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private Path work;

    private Path in = Path.of("");
    private int runs;

    @BeforeEach
    void makeCaptures() {
        in = work.resolve("in");
        for (int i = 0; i < 12; i++) {
            capture(i).write(in.resolve(name(i)));
        }
    }

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    private static String name(int i) {
        return "part-" + i % 3 + "/sample-" + i + ".safetensors";
    }

    private static Capture capture(int i) {
        return Capture.of(2, 20 + i % 5, 100L * i);
    }

    /** Calibrates with and without the state, and compares the results. @return {@code state} of run.json */
    private JsonNode calibrate(Path recipe, Object... more) {
        Path fresh = work.resolve("fresh-" + runs);
        Path kept = work.resolve("kept-" + runs++);
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--input", HookedFileSystem.of(in), "--output", fresh));
        Cli without = Cli.run(words.toArray()).isDone();
        HookedFileSystem.reset();
        words.set(6, kept);
        words.addAll(List.of("--state", work.resolve("state")));
        words.addAll(List.of(more));
        Cli with = Cli.run(words.toArray()).isDone();
        assertThat(Folder.content(kept)).isEqualTo(Folder.content(fresh));
        assertThat(with.err().lines().filter(line -> !line.contains(" from the state")))
                .containsExactlyElementsOf(without.err().lines().toList());
        return Folder.json(kept.resolve("run.json")).path("state");
    }

    private static void assertUse(JsonNode state, int reused, int read) {
        assertThat(state.path("groups_reused").asInt()).as(state.toString()).isEqualTo(reused);
        assertThat(state.path("groups_read").asInt()).as(state.toString()).isEqualTo(read);
        assertThat(state.path("groups_not_kept").asInt()).isZero();
    }

    /** {@code minmax} clips values: a second pass with histograms counts them. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                FP8 + "| 1",
                "num_bits: 8, type: float, strategy: attn_head, observer: minmax | 2",
                "num_bits: 8, type: int, strategy: channel, symmetric: false, observer: static_minmax | 1",
                "num_bits: 8, type: int, strategy: attn_head, observer: mse | 1",
            })
    void aSecondRunOpensNoFile(String scheme, int passes) {
        Path recipe = Folder.recipe(work, scheme);
        assertUse(calibrate(recipe, "--partitions", 5), 0, 5 * passes);
        assertThat(HookedFileSystem.opened(in)).isPositive();
        assertUse(calibrate(recipe, "--partitions", 2), 5 * passes, 0);
        assertThat(HookedFileSystem.opened(in)).isZero();
    }

    @Test
    void onlyWhatIsNewOrChangedIsRead() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        assertUse(calibrate(recipe, "--partitions", 6), 0, 6);

        capture(20).write(in.resolve("part-9/new.safetensors"));
        assertUse(calibrate(recipe), 6, 1);
        assertThat(HookedFileSystem.opened(in.resolve("part-9"))).isEqualTo(1);

        capture(21).write(in.resolve(name(3)));
        JsonNode changed = calibrate(recipe);
        assertThat(changed.path("groups_reused").asInt()).isBetween(5, 6);
        assertThat(changed.path("groups_read").asInt()).isEqualTo(1);

        Files.delete(in.resolve(name(5)));
        JsonNode gone = calibrate(recipe);
        assertThat(gone.path("groups_reused").asInt()).isBetween(4, 6);

        Files.move(in.resolve(name(7)), in.resolve("part-1/renamed.safetensors"));
        JsonNode renamed = calibrate(recipe);
        assertThat(renamed.path("groups_read").asInt()).isEqualTo(1);
        assertThat(HookedFileSystem.opened(in)).isLessThan(12);
        JsonNode last = calibrate(recipe);
        assertThat(last.path("groups_read").asInt()).isZero();
    }

    /** As archives, copies and builds leave files that set all times. */
    @Test
    void anotherFileOfEqualLengthAndTimeIsRead() throws IOException {
        Path folder = work.resolve("equal");
        FileTime time = FileTime.from(Instant.parse("1980-01-01T00:00:00Z"));
        Path changed = folder.resolve("1.safetensors");
        for (int i = 0; i < 3; i++) {
            Files.setLastModifiedTime(Capture.of(2, 20, 100L * i).write(folder.resolve(i + ".safetensors")), time);
        }
        long length = Files.size(changed);
        assertSame(folder, 0);
        assertSame(folder, 1);
        Files.setLastModifiedTime(Capture.of(2, 20, 900).write(changed), time);
        assertThat(Files.size(changed)).isEqualTo(length);
        assertSame(folder, 0);
        Files.move(changed, folder.resolve("x"));
        Files.move(folder.resolve("0.safetensors"), changed);
        Files.move(folder.resolve("x"), folder.resolve("0.safetensors"));
        assertThat(Cli.run("state", work.resolve("state"), "--prune").isDone().out())
                .contains("has changed");
        assertSame(folder, 0);
        assertThat(Cli.run("state", work.resolve("state"), "--prune").isDone().out())
                .doesNotContain("removed");
        assertSame(folder, 1);
    }

    private void assertSame(Path folder, int reused) {
        Path fresh = work.resolve("fresh-" + runs);
        Path kept = work.resolve("kept-" + runs++);
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", folder, "--output", fresh)
                .isDone();
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--input",
                        folder,
                        "--output",
                        kept,
                        "--state",
                        work.resolve("state"))
                .isDone();
        assertThat(Folder.content(kept)).isEqualTo(Folder.content(fresh));
        assertUse(Folder.json(kept.resolve("run.json")).path("state"), reused, 1 - reused);
    }

    private Path stateFile(int i) {
        return work.resolve("state/groups")
                .resolve(Folder.names(work.resolve("state/groups")).keySet().stream()
                        .sorted()
                        .skip(i)
                        .findFirst()
                        .orElseThrow());
    }

    private Cli run(Path recipe, String output, Object... more) {
        List<Object> words = new ArrayList<>(List.of(
                "calibrate", "--recipe", recipe, "--input", HookedFileSystem.of(in), "--output", work.resolve(output)));
        words.addAll(List.of(more));
        if (!words.contains("--state")) {
            words.addAll(List.of("--state", HookedFileSystem.of(work.resolve("state"))));
        }
        return Cli.run(words.toArray());
    }

    private SortedMap<String, String> fresh(Path recipe, String output) {
        Cli.run("calibrate", "--recipe", recipe, "--input", in, "--output", work.resolve(output))
                .isDone();
        return Folder.content(work.resolve(output));
    }

    /** Of the bytes of a group, those of its header are read by the driver, the others by tasks. */
    @Test
    void damagedGroupsAreReadAgainAndSaid() throws IOException {
        Path recipe = Folder.recipe(work, "num_bits: 8, type: int, strategy: attn_head, observer: mse");
        SortedMap<String, String> expected = fresh(recipe, "fresh");
        run(recipe, "a", "--partitions", 4).isDone();
        List<Path> groups = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            groups.add(stateFile(i));
        }
        groups.removeIf(file -> Folder.bytes(file).length < 1000); // the note about the layout
        assertThat(groups).hasSize(4);
        for (Path group : groups) {
            byte[] whole = Folder.bytes(group);
            int header = ByteBuffer.wrap(whole).getInt(12);
            int[] places = {0, 8, 11, 13, 17, 20, 20 + header, 20 + header + 32, whole.length - 33, whole.length - 1};
            for (int place : places) {
                byte[] flipped = whole.clone();
                flipped[place] ^= 1;
                Files.write(group, flipped);
                Cli with = run(recipe, "b", "--overwrite").isDone();
                assertThat(with.err())
                        .as("byte %d", place)
                        .contains(
                                "warning: a group of the state ",
                                " cannot be used, and its files were read again: " + group.getFileName());
                assertThat(Folder.content(work.resolve("b"))).isEqualTo(expected);
                if (place == 11) {
                    Files.deleteIfExists(group); // a newer version: it stays
                }
            }
            Files.write(group, Arrays.copyOf(whole, whole.length / 2));
            assertThat(run(recipe, "b", "--overwrite").isDone().err()).contains("cannot be used");
            assertThat(Folder.content(work.resolve("b"))).isEqualTo(expected);
            assertThat(run(recipe, "b", "--overwrite").isDone().err()).doesNotContain("cannot be used");
        }
        assertThat(HookedFileSystem.opened(in)).isPositive();
    }

    /** A file that has the right checksums, and no state of a task in it. */
    @Test
    void contentThatIsSomethingElseIsReadAgain() throws Exception {
        Path recipe = Folder.recipe(work, FP8);
        SortedMap<String, String> expected = fresh(recipe, "fresh");
        run(recipe, "a", "--partitions", 1).isDone();
        ByteArrayOutputStream foreign = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(foreign)) {
            out.writeObject(new java.util.HashMap<>(java.util.Map.of("a", new java.io.File("x"))));
        }
        for (byte[] content : List.of(new byte[0], new byte[] {1, 2, 3}, foreign.toByteArray())) {
            StateContents.replace(work.resolve("state"), content);
            assertThat(run(recipe, "b", "--overwrite").isDone().err()).contains("these bytes are not a task's state");
            assertThat(Folder.content(work.resolve("b"))).isEqualTo(expected);
        }
    }

    @Test
    void recipesDoNotMix() {
        Path ranges = Folder.recipe(work, FP8);
        Path others = Folder.recipe(work, FP8, "kvscale: {ignore: ['layers\\.1\\.']}");
        Path histograms = Folder.recipe(work, "num_bits: 8, type: int, strategy: attn_head, observer: mse");
        assertUse(calibrate(ranges, "--partitions", 3), 0, 3);
        assertUse(calibrate(others, "--partitions", 3), 0, 3);
        assertUse(calibrate(histograms, "--partitions", 3), 0, 3);
        assertUse(calibrate(ranges), 3, 0);
        assertUse(calibrate(Folder.recipe(work, "num_bits: 8, type: int, strategy: channel, symmetric: false")), 3, 0);
    }

    @Test
    void aFailedRunKeepsTheOtherGroups() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        Path bad = in.resolve(name(4));
        byte[] whole = Folder.bytes(bad);
        Files.write(bad, Arrays.copyOf(whole, whole.length - 7));
        run(recipe, "a", "--partitions", 12).fails(ExitCode.DATA, "sample-4.safetensors");
        Files.write(bad, whole);
        HookedFileSystem.reset();
        run(recipe, "b", "--partitions", 12).isDone();
        assertThat(Folder.content(work.resolve("b"))).isEqualTo(fresh(recipe, "fresh"));
        assertThat(HookedFileSystem.opened(in)).isLessThanOrEqualTo(7); // with the look at the layout of four files
    }

    /** By another one of another length or of its own, and by its own first half. */
    @ParameterizedTest
    @CsvSource({"40, 1", "12, 1", "7, 2"})
    void aFileThatChangesWhileItIsReadIsAnError(int by, int part) throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        Path changing = in.resolve(name(7));
        byte[] other = capture(by).bytes();
        HookedFileSystem.onOpen = path -> {
            if (path.getName().equals("sample-7.safetensors")) {
                Files.write(changing, Arrays.copyOf(other, other.length / part));
                Files.setLastModifiedTime(changing, FileTime.from(Instant.now().plusSeconds(1)));
            }
        };
        run(recipe, "a", "--partitions", 6).fails(ExitCode.DATA, "sample-7.safetensors", "changed while it was read");
        HookedFileSystem.reset();
        assertThat(StateStore.read(work.resolve("state").toString(), false, new Configuration())
                        .groups())
                .flatExtracting(KeptGroup::pieces)
                .extracting(piece -> piece.file().name())
                .doesNotContain(name(7))
                .contains(name(1));
        capture(by).write(changing);
        run(recipe, "b").isDone();
        assertThat(Folder.content(work.resolve("b"))).isEqualTo(fresh(recipe, "fresh"));
    }

    @Test
    void aFullDiskCostsTheGroupsNotTheResult() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        HookedFileSystem.capacity = 1_000;
        Cli full = run(recipe, "a", "--partitions", 3).isDone();
        assertThat(full.err())
                .contains("warning: the state ", " does not keep 3 groups that this run read: No space left on device");
        assertThat(Folder.json(work.resolve("a/run.json"))
                        .at("/state/groups_not_kept")
                        .asInt())
                .isEqualTo(3);
        HookedFileSystem.reset();
        SortedMap<String, String> expected = fresh(recipe, "fresh");
        assertThat(Folder.content(work.resolve("a"))).isEqualTo(expected);
        assertThat(run(recipe, "b", "--partitions", 3).isDone().err()).doesNotContain("does not keep");
        assertThat(Folder.content(work.resolve("b"))).isEqualTo(expected);

        HookedFileSystem.capacity = 10;
        Path other = work.resolve("other");
        run(recipe, "c", "--state", HookedFileSystem.of(other))
                .fails(ExitCode.OUTPUT, "the state folder", "No space left on device", "--state");
        assertThat(work.resolve("c")).doesNotExist();
    }

    @Test
    void layersWithAWindowAreSurveyedOnce() throws IOException {
        Path config = Folder.write(
                work.resolve("config.json"),
                "{\"model_type\": \"llama\", \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 32,"
                        + "\"num_hidden_layers\": 2, \"sliding_window\": 8, \"layer_types\":"
                        + " [\"sliding_attention\", \"full_attention\"]}");
        for (int i = 0; i < 12; i++) {
            new Capture().pair(0, 8, 10L * i).pair(1, 20 + i, 10L * i + 5).write(in.resolve(name(i)));
        }
        run(Folder.FP8, "a", "--model-config", config, "--partitions", 4).isDone();
        HookedFileSystem.reset();
        Cli again = run(Folder.FP8, "b", "--model-config", config).isDone();
        assertThat(HookedFileSystem.opened(in)).isZero();
        assertThat(Folder.content(work.resolve("b"))).isEqualTo(Folder.content(work.resolve("a")));
        assertThat(again.err()).contains("layer 0 holds 96 of ");

        // A sample that is wrong is still named, in a group of its own.
        new Capture().pair(0, 8, 1).pair(1, 5, 2).write(in.resolve("part-0/wrong.safetensors"));
        run(Folder.FP8, "c", "--model-config", config).fails(ExitCode.DATA, "wrong.safetensors", "1 of 13 samples");
    }

    @Test
    void warningsOfKeptGroupsAreGivenAgain() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        Files.copy(in.resolve(name(2)), in.resolve("part-2/copy.safetensors"));
        assertUse(calibrate(recipe, "--partitions", 6), 0, 6);
        assertUse(calibrate(recipe), 6, 0);
        Cli again = run(recipe, "again").isDone();
        assertThat(again.err()).contains("hold the same keys");
    }

    @Test
    void smallGroupsArePacked() {
        Path recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head, observer: minmax");
        assertUse(calibrate(recipe, "--partitions", 12), 0, 24);
        assertThat(Folder.names(work.resolve("state/groups"))).hasSize(25);
        assertUse(calibrate(recipe), 24, 0);
        assertThat(Folder.names(work.resolve("state/groups"))).hasSize(3);
        assertUse(calibrate(recipe), 2, 0);
        assertThat(HookedFileSystem.opened(in)).isZero();
    }

    @Test
    void whatHasNoFilesIsRefused() throws IOException {
        Path state = work.resolve("state");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--table", "t", "--output", work.resolve("out"), "--state", state)
                .fails(ExitCode.USAGE, "--state is for captures and texts", "table");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--input",
                        in,
                        "--input-format",
                        "parquet",
                        "--output",
                        work.resolve("out"),
                        "--state",
                        state)
                .fails(ExitCode.USAGE, "--state is for captures and texts", "Parquet");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", in, "--output", state.resolve("out"), "--state", state)
                .fails(ExitCode.OUTPUT, "overlap");
        assertThat(run(Folder.FP8, "out", "--dry-run").isDone().err()).doesNotContain("state");
        Path inside = in.resolve("part-0/state");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", in, "--output", work.resolve("out"), "--state", inside)
                .fails(ExitCode.OUTPUT, "the state folder " + inside + " and the input " + in + " overlap", "--state");
        assertThat(inside).doesNotExist();
        Folder.write(work.resolve("state/other"), "x");
        Files.deleteIfExists(work.resolve("state/kvscale-state.json"));
        run(Folder.FP8, "out").fails(ExitCode.OUTPUT, "holds other files than a state", "--state");
        run(Folder.FP8, "out", "--dry-run").fails(ExitCode.OUTPUT, "holds other files than a state", "--state");
    }

    @Test
    void theCommandShowsVerifiesAndPrunes() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        Path state = work.resolve("state");
        run(recipe, "a", "--partitions", 4).isDone();
        assertThat(Cli.run("state", state, "--verify").isDone().out())
                .contains("range statistics", "layout", "no run uses it")
                .containsPattern("range statistics +[0-9a-f]{12} +4 +12 +0\\.\\d\\d");
        assertThat(Cli.run("state", state, "--prune").isDone().out()).doesNotContain("removed");

        Files.delete(in.resolve(name(5)));
        Folder.write(state.resolve("groups/._00000000-0000-0000-0000-000000000000"), "x");
        assertThat(Cli.run("state", state).isDone().out()).contains("1 files of runs that were killed");
        assertThat(Cli.run("state", state, "--prune").isDone().out())
                .containsPattern("removed [0-9a-f-]+.kvgroup: .*sample-5.safetensors is gone")
                .doesNotContain("killed")
                .containsPattern("range statistics +[0-9a-f]{12} +3 ");

        Path damaged = stateFile(0);
        byte[] bytes = Folder.bytes(damaged);
        bytes[bytes.length - 40] ^= 1;
        Files.write(damaged, bytes);
        Cli.run("state", state).isDone();
        Cli.run("state", state, "--verify")
                .fails(ExitCode.DATA, "1 of 4 groups", damaged.getFileName().toString());
        assertThat(Cli.run("state", state, "--verify", "--prune").isDone().out())
                .contains("removed " + damaged.getFileName());
        Cli.run("state", work.resolve("in")).fails(ExitCode.DATA, "this is not the folder of a state");
        Cli.run("state", work.resolve("absent")).fails(ExitCode.DATA, "this is not the folder of a state");
    }

    @Test
    void aSecondRunAndPruningAreRefusedWhileOneRuns() {
        Path state = work.resolve("state");
        try (StateFolder first = StateFolder.open(state.toString(), new Configuration())) {
            assertThat(first.name()).isEqualTo(state.toString());
            run(Folder.FP8, "out").fails(ExitCode.OUTPUT, "is in use by a run of ", "which began at 20", "--state");
            Cli.run("state", state, "--prune").fails(ExitCode.OUTPUT, "is in use by a run of ");
            assertThat(Cli.run("state", state).isDone().out()).contains("in use by a run of ");
        }
        run(Folder.FP8, "out").isDone();
    }

    /** Captures, groups and the lease of another run are of tomorrow. */
    @Test
    void aClockThatWasSetBackDoesNotMatter() throws IOException {
        Path recipe = Folder.recipe(work, FP8);
        shift(in);
        assertUse(calibrate(recipe, "--partitions", 4), 0, 4);
        Path claim = work.resolve("state/lock/00000000-0000-0000-0000-000000000000,1,1796000000,user,elsewhere");
        Folder.write(claim.resolve("_lease"), "");
        shift(work.resolve("state"));
        assertUse(calibrate(recipe), 4, 0);
        assertThat(claim).doesNotExist();
        capture(30).write(in.resolve(name(3)));
        assertThat(calibrate(recipe).path("groups_reused").asInt()).isLessThan(4);
    }

    private static void shift(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.toList()) {
                Files.setLastModifiedTime(path, FileTime.from(Instant.now().plus(Duration.ofDays(1))));
            }
        }
    }
}
