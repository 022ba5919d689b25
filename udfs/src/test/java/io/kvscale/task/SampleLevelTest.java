package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The statistics of samples from a level on are those of a pass over exactly these samples, however the corpus is cut. */
class SampleLevelTest {
    private static final int FILES = 60;

    @TempDir
    private Path folder;

    private CaptureCorpus corpus() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 11);
        for (int i = 0; i < FILES; i++) {
            SafetensorsWriter file = new SafetensorsWriter();
            for (String role : List.of("keys", "values")) {
                corpus.tensor(file, "layers.0." + role, "BF16", 1L, 2L, 3L + i % 4, 32L);
            }
            corpus.write("f" + i % 3 + "/s" + i + ".safetensors", file);
        }
        return corpus;
    }

    private static int level(InputFile file) {
        String name = file.name().replace(".safetensors", "");
        return SampleLevel.of(new KvSource(file.path(), 0, name, new Geometry(Dtype.BF16, 1, 1), 1, 1, false, null));
    }

    private static byte[] bytes(SortedMap<Slot, SlotStatistics> slots) {
        return new CalibrationStatistics(Corpus.EMPTY, slots).toByteArray();
    }

    private static List<byte[]> unions(TaskState state) {
        List<byte[]> unions = new ArrayList<>();
        state.join(union -> unions.add(bytes(union.slots())));
        return unions;
    }

    private static List<FilePiece> whole(List<InputFile> files) {
        return files.stream().map(f -> new FilePiece(f, 0, f.length())).toList();
    }

    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true"})
    void unionsOfLevelsAreWhatAPassOverTheirSamplesFinds(boolean histograms, boolean ordered) {
        CaptureCorpus corpus = corpus();
        if (ordered) {
            corpus.schemes = SlotSchemes.of(CaptureCorpus.SCHEME.with(new MovingAverage()));
        }
        StatisticsKind kind = histograms ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        corpus.kind = kind;
        byte[] without = corpus.run(whole(corpus.files())).statistics().toByteArray();
        List<byte[]> expected = new ArrayList<>();
        TreeMap<Integer, Integer> sizes = new TreeMap<>();
        for (int level : new TreeSet<>(
                        corpus.files().stream().map(SampleLevelTest::level).toList())
                .descendingSet()) {
            List<InputFile> rare =
                    corpus.files().stream().filter(f -> level(f) >= level).toList();
            sizes.put(level, rare.size());
            expected.add(bytes(corpus.run(whole(rare)).statistics().slots()));
        }
        assertThat(sizes).hasSizeGreaterThan(4).containsEntry(0, FILES);
        corpus.kind = kind.inLevels();
        for (int tasks : new int[] {1, 2, 7}) {
            List<List<FilePiece>> dealt = new ArrayList<>();
            for (int i = 0; i < tasks; i++) {
                dealt.add(new ArrayList<>());
            }
            for (InputFile file : corpus.files()) {
                // Both halves of a file belong to one sample.
                long cut = corpus.random.nextLong(1, file.length());
                dealt.get(corpus.random.nextInt(tasks)).add(new FilePiece(file, 0, cut));
                dealt.get(corpus.random.nextInt(tasks)).add(new FilePiece(file, cut, file.length()));
            }
            TaskState all = new TaskState();
            dealt.forEach(pieces -> {
                Collections.shuffle(pieces, corpus.random);
                List<TaskState> parts =
                        new ArrayList<>(corpus.run(pieces).parts().values());
                Collections.shuffle(parts, corpus.random);
                parts.forEach(part -> all.merge(TaskState.fromByteArray(part.toByteArray())));
            });
            assertThatThrownBy(all::statistics).hasMessageContaining("not joined");
            assertThat(unions(all)).containsExactlyElementsOf(expected);
            assertThat(all.statistics().toByteArray()).isEqualTo(without);
        }
    }

    @Test
    void aHalfOfAllSamplesIsAtLevelZeroAndSoOn() {
        int[] counts = new int[13];
        Geometry geometry = new Geometry(Dtype.BF16, 1, 1);
        for (int i = 0; i < 1 << 16; i++) {
            counts[SampleLevel.of(new KvSource("f", 0, "texts/" + i, geometry, 1, 1, false, null))]++;
        }
        for (int level = 0; level < 12; level++) {
            double usual = (1 << 16) / Math.pow(2, level + 1);
            assertThat((double) counts[level]).isBetween(usual - 5 * Math.sqrt(usual), usual + 5 * Math.sqrt(usual));
        }
        assertThat(counts[12]).isPositive();
        KvSource unnamed = new KvSource("f", 0, null, geometry, 1, 1, false, null);
        KvSource named = new KvSource("g", 8, "f", geometry, 1, 1, false, null);
        assertThat(SampleLevel.of(unnamed)).isEqualTo(SampleLevel.of(named));
    }
}
