package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CaptureCorpus.Merged;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bad data becomes a problem of the state, and the first problem does not depend on the splits. */
class BadDataTest {
    private static final List<BiConsumer<CaptureCorpus, String>> WAYS = List.of(
            (corpus, name) -> corpus.write(name, new byte[3]),
            (corpus, name) -> corpus.write(name, new byte[0]),
            (corpus, name) -> corpus.write(name, "{}{}{}{}{}{}".getBytes(StandardCharsets.UTF_8)),
            (corpus, name) -> corpus.write(
                    name, new SafetensorsWriter().add("layers.1.keys", "I8", List.of(1L, 2L, 3L, 4L), new byte[24])),
            (corpus, name) -> corpus.write(
                    name, corpus.tensor(new SafetensorsWriter(), "layers.10000.keys", "BF16", 1L, 2L, 3L, 4L)),
            (corpus, name) ->
                    corpus.write(name, good(corpus).add("attention_mask", "U8", List.of(1L, 2L), new byte[2])),
            (corpus, name) -> corpus.write(name, corpus.tensor(good(corpus), "key_cache.0", "BF16", 1L, 2L, 3L, 4L)),
            (corpus, name) -> corpus.write(
                    name, corpus.tensor(new SafetensorsWriter(), "layers.0.keys", "BF16", 1L, 2L, 0L, 4L)));

    @TempDir
    Path folder;

    @Test
    void theFirstProblemDoesNotDependOnTheSplits() {
        for (int seed = 0; seed < 4; seed++) {
            CaptureCorpus corpus = new CaptureCorpus(folder.resolve("c" + seed), seed);
            for (int i = 0; i < 14; i++) {
                String name = (i % 3 == 0 ? "x/" : "") + "s" + i + ".safetensors";
                if (corpus.random.nextInt(3) == 0) {
                    WAYS.get(corpus.random.nextInt(WAYS.size())).accept(corpus, name);
                } else {
                    corpus.write(name, good(corpus));
                }
            }
            corpus.write("s99.safetensors", new byte[1]);
            DataProblem expected = Objects.requireNonNull(corpus.whole().problem());
            for (int round = 0; round < 15; round++) {
                Merged merged = corpus.cut(corpus.randomCuts(5), 1 + round % 6, round % 2 == 0);
                assertThat(merged.problem()).as("seed %d", seed).isEqualTo(expected);
            }
        }
    }

    @Test
    void theFirstOfANanAndABadFileIsTheProblem() {
        for (int seed = 0; seed < 4; seed++) {
            CaptureCorpus corpus = new CaptureCorpus(folder.resolve("n" + seed), seed);
            int nan = corpus.random.nextInt(9);
            for (int i = 0; i < 9; i++) {
                if (i == nan) {
                    corpus.write("s" + i + ".safetensors", withNan(corpus));
                } else if (i == 4) {
                    corpus.write("s" + i + ".safetensors", new byte[9]);
                } else {
                    corpus.write("s" + i + ".safetensors", good(corpus));
                }
            }
            String expected = nan <= 4 ? "sample s" + nan : "sample s4";
            String first = null;
            for (int round = 0; round < 10; round++) {
                Merged merged = corpus.cut(corpus.randomCuts(5), 1 + round % 6, round % 2 == 0);
                String message = solve(merged);
                assertThat(message).contains(expected);
                assertThat(first == null ? message : first).isEqualTo(message);
                first = message;
            }
        }
    }

    @Test
    void aSlotWithTwoGeometriesIsReportedWithTheFirstTwoFiles() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 1);
        List<Long[]> shapes = new ArrayList<>(Collections.nCopies(4, new Long[] {1L, 2L, 3L, 4L}));
        shapes.add(new Long[] {1L, 4L, 3L, 2L});
        shapes.add(new Long[] {1L, 1L, 3L, 8L});
        shapes.add(new Long[] {1L, 2L, 3L, 4L});
        for (int i = 0; i < shapes.size(); i++) {
            corpus.write(
                    "s" + i + ".safetensors",
                    corpus.tensor(new SafetensorsWriter(), "layers.0.keys", "BF16", shapes.get(i)));
        }
        Slot slot = new Slot(0, Role.KEY);
        for (int round = 0; round < 30; round++) {
            // Statistics of two geometries do not merge; the geometries do.
            List<TaskState> outcomes = new ArrayList<>();
            for (var file : corpus.files()) {
                long middle = 1 + corpus.random.nextInt((int) file.length() - 1);
                for (long[] piece : new long[][] {{0, middle}, {middle, file.length()}}) {
                    outcomes.add(corpus.run(List.of(new io.kvscale.input.FilePiece(file, piece[0], piece[1]))));
                }
            }
            Collections.shuffle(outcomes, corpus.random);
            Geometries merged = outcomes.stream()
                    .map(outcome -> outcome.geometries().get(slot))
                    .filter(Objects::nonNull)
                    .reduce(Geometries::merge)
                    .orElseThrow();
            assertThat(Objects.requireNonNull(merged.conflict(slot)).message())
                    .contains(
                            "this slot is BF16, 4 heads, head_dim 2 here, but BF16, 2 heads, head_dim 4 in s0.safetensors")
                    .contains("file s4.safetensors, layer 0 key, sample s4");
        }
        Geometries inOneTask = Objects.requireNonNull(corpus.run(corpus.files().stream()
                        .map(f -> new io.kvscale.input.FilePiece(f, 0, f.length()))
                        .toList())
                .geometries()
                .get(slot));
        assertThat(Objects.requireNonNull(inOneTask.conflict(slot)).message()).contains("file s4.safetensors");
    }

    private static String solve(Merged merged) {
        ScaleSolver solver = new ScaleSolver(
                SlotSchemes.of(CaptureCorpus.SCHEME), layer -> true, new Tolerances(false, false, false, false));
        @Nullable
        InvalidDataException e = catchThrowableOfType(
                InvalidDataException.class, () -> solver.solve(merged.statistics(), merged.problem()));
        return Objects.requireNonNull(e).problem().message();
    }

    private static SafetensorsWriter good(CaptureCorpus corpus) {
        SafetensorsWriter writer = new SafetensorsWriter();
        corpus.tensor(writer, "layers.0.keys", "BF16", 1L, 2L, 3L, 4L);
        return corpus.tensor(writer, "layers.0.values", "BF16", 1L, 2L, 3L, 4L);
    }

    private static SafetensorsWriter withNan(CaptureCorpus corpus) {
        byte[] values = corpus.values("BF16", 24);
        values[11] = 0x7f;
        values[10] = (byte) 0xff;
        return corpus.tensor(new SafetensorsWriter(), "layers.0.keys", "BF16", 1L, 2L, 3L, 4L)
                .add("layers.0.values", "BF16", List.of(1L, 2L, 3L, 4L), values);
    }
}
