package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
}
