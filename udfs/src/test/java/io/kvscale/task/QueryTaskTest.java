package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.observer.evidence.ChannelData;
import io.kvscale.observer.evidence.ChannelData.Rope;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queries beside K and V: they are observed, and nothing that is known of K and V changes. */
class QueryTaskTest {
    private static final int LAYERS = 6;
    private static final int HEADS = 4;
    private static final int HEAD_DIM = 64;
    private static final int TOKENS = 60;

    @TempDir
    private Path folder;

    private CaptureCorpus corpus(String name, StatisticsKind kind) {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve(name), 7);
        corpus.options = CaptureOptions.defaults().with(new CaptureOptions.Queries(null));
        corpus.schemes = new SlotSchemes(CaptureCorpus.SCHEME, CaptureCorpus.SCHEME, List.of(), CaptureCorpus.SCHEME);
        corpus.kind = kind;
        return corpus;
    }

    private static void add(SafetensorsWriter to, String name, int heads, float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        to.add(name, "F32", List.of((long) TOKENS, (long) heads, (long) HEAD_DIM), bytes.array());
    }

    /** K and Q are rotated, V is not; the last queries are zero. All samples are copies of one. */
    private CaptureCorpus rotated(boolean queries, StatisticsKind kind) {
        CaptureCorpus corpus = corpus("rotated-" + queries + kind.word(), kind);
        for (int sample = 0; sample < 4; sample++) {
            ChannelData data = new ChannelData(LAYERS, HEADS, HEAD_DIM, TOKENS);
            ChannelData other = new ChannelData(LAYERS, 2 * HEADS, HEAD_DIM, TOKENS);
            SafetensorsWriter writer = new SafetensorsWriter();
            for (int layer = 0; layer < LAYERS; layer++) {
                String module = "layers." + layer + ".self_attn.";
                float[] q = other.keys(new Rope(HEAD_DIM, false));
                Arrays.fill(q, q.length - 2 * HEADS * HEAD_DIM, q.length, 0);
                if (queries) {
                    add(writer, module + "q", 2 * HEADS, q);
                }
                add(writer, module + "k", HEADS, data.keys(new Rope(HEAD_DIM, false)));
                add(writer, module + "v", HEADS, data.values());
            }
            corpus.write("s" + sample + ".safetensors", writer);
        }
        return corpus;
    }

    private static TaskState state(CaptureCorpus corpus) {
        TaskState all = new TaskState();
        for (InputFile file : corpus.files()) {
            all.merge(corpus.run(List.of(new FilePiece(file, 0, file.length()))));
        }
        return all;
    }

    @Test
    void whatIsKnownOfKeysAndValuesStays() {
        for (StatisticsKind kind : List.of(StatisticsKind.RANGE, StatisticsKind.HISTOGRAM)) {
            TaskState with = state(rotated(true, kind));
            TaskState without = state(rotated(false, kind));
            assertThat(with.rotations().samples()).isEqualTo(without.rotations().samples());
            assertThat(with.suspicion()).isEqualTo(without.suspicion()).isEqualTo(Suspicion.NONE);
            assertThat(with.copies()).isEqualTo(without.copies());
            assertThat(with.layoutDoubt()).isEqualTo(without.layoutDoubt());
            assertThat(with.statistics().slots()).hasSize(3 * LAYERS);
            CalibrationStatistics cached = new CalibrationStatistics(
                    without.statistics().corpus(), Slot.cached(with.statistics().slots()));
            assertThat(cached.toByteArray()).isEqualTo(without.statistics().toByteArray());
        }
    }

    @Test
    void statisticsOfQueriesDoNotDependOnCuts() {
        CaptureCorpus corpus = rotated(true, StatisticsKind.HISTOGRAM);
        CalibrationStatistics whole = corpus.whole().statistics();
        assertThat(Objects.requireNonNull(whole.slots().get(new Slot(2, Role.QUERY)))
                        .geometry()
                        .heads())
                .isEqualTo(2 * HEADS);
        for (int round = 0; round < 4; round++) {
            CaptureCorpus.Merged cut = corpus.cut(corpus.randomCuts(9), 3, true);
            assertThat(cut.problem()).isNull();
            assertThat(cut.statistics().toByteArray()).isEqualTo(whole.toByteArray());
        }
    }

    /** Tokens of K and V are alike and were taken for heads. Queries that come first must not hide it. */
    @Test
    void aWrongLayoutIsFoundBesideQueries() {
        CaptureCorpus corpus = corpus("layout", StatisticsKind.RANGE);
        SafetensorsWriter writer = new SafetensorsWriter();
        for (int layer = 0; layer < 9; layer++) {
            corpus.tensor(writer, "layers." + layer + ".queries", "F32", 1L, 24L, 4L, 32L);
        }
        for (int layer = 0; layer < 9; layer++) {
            for (String kind : List.of("keys", "values")) {
                ByteBuffer bytes = ByteBuffer.allocate(4 * 24 * 2 * 32).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i < 24 * 2 * 32; i++) {
                    bytes.putFloat((float) (Math.sin(i % 64 * 1.7 + layer) + 0.2 * corpus.random.nextGaussian()));
                }
                writer.add("layers." + layer + "." + kind, "F32", List.of(1L, 24L, 2L, 32L), bytes.array());
            }
        }
        corpus.write("a.safetensors", writer);
        @Nullable DataProblem problem = HeadLikeness.problem(corpus.files(), corpus.options, corpus.configuration);
        assertThat(Objects.requireNonNull(problem).message()).contains("its heads are as alike as tokens are");
    }
}
