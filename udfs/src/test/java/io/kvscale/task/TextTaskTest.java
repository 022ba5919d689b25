package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.cache.FixedScales;
import io.kvscale.cache.KvPair;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.cache.TestScales;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tasks over token ids, run by a fake decoder with known values. */
class TextTaskTest {
    private static final int FEW = 16;
    private static final List<Slot> SLOTS =
            List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE), new Slot(1, Role.KEY), new Slot(1, Role.VALUE));

    private final Random random = new Random(11);
    private final List<Long> progress = new ArrayList<>();
    private ModelShape shape = FakeDecoding.shape(2, 2, 4, Dtype.F32);
    private SlotSchemes schemes = SlotSchemes.of(QuantizationScheme.fp8());
    private StatisticsKind kind = StatisticsKind.RANGE;
    private LayerFilter layers = new LayerFilter(List.of(), List.of());
    private long maxFailed;
    private long maxBytes = TextTask.MAX_NATIVE_BYTES;
    private @Nullable FixedScales fedBack;
    private int residual;
    private @Nullable CaptureSink sink;
    private FakeDecoding decoding = new FakeDecoding(shape);

    @TempDir
    Path folder;

    private TextTask task() {
        TextTask.Settings settings = new TextTask.Settings(schemes, kind, layers, FEW, maxFailed, fedBack, residual);
        decoding = new FakeDecoding(shape);
        return new TextTask(shape, () -> decoding, settings, sink, progress::add, maxBytes);
    }

    private TaskState run(List<TokenBatch> batches) {
        try (TextTask task = task()) {
            for (TokenBatch batch : batches) {
                task.run(batch);
            }
            return task.state();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private TaskState run(TokenSequence... rows) {
        return run(List.of(new TokenBatch(List.of(rows))));
    }

    private static byte[] bytes(TaskState... outcomes) {
        CalibrationStatistics sum = new CalibrationStatistics();
        for (TaskState outcome : outcomes) {
            assertThat(outcome.problem()).isNull();
            sum.merge(CalibrationStatistics.fromByteArray(outcome.statistics().toByteArray()));
        }
        return sum.toByteArray();
    }

    private static TokenSequence row(String name, int... ids) {
        return new TokenSequence(name, ids);
    }

    /** Random samples, some longer than a chunk. */
    private List<TokenSequence> samples(int count) {
        List<TokenSequence> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int length = 1 + random.nextInt(i % 4 == 0 ? 3 * FEW : FEW);
            samples.add(row(
                    "texts/" + (i % 3) + "/" + i,
                    random.ints(length, 0, FakeDecoding.BROKEN).toArray()));
        }
        return samples;
    }

    private List<TokenBatch> singly(List<TokenSequence> samples) {
        return samples.stream().map(sample -> new TokenBatch(List.of(sample))).toList();
    }

    private List<TokenBatch> batches(List<TokenSequence> samples) {
        List<TokenBatch> batches = new ArrayList<>();
        for (int at = 0; at < samples.size(); ) {
            int to = Math.min(samples.size(), at + 1 + random.nextInt(5));
            batches.add(new TokenBatch(samples.subList(at, to)));
            at = to;
        }
        return batches;
    }

    private SlotSchemes observedBy(Observer observer) {
        return SlotSchemes.of(
                new QuantizationScheme(NumberFormat.INT8, Strategy.ATTN_HEAD, 0, true, observer, ScaleDtype.FLOAT32));
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.scheme.Observers#all")
    void statisticsDoNotDependOnBatchesTasksOrPadding(Observer observer) {
        schemes = observedBy(observer);
        kind = observer.needsHistograms() ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        shape = FakeDecoding.shape(2, 2, 4, Dtype.values()[Observers.all().indexOf(observer) % 3]);
        List<TokenSequence> samples = samples(23);
        byte[] expected = bytes(run(singly(samples)));
        for (int i = 0; i < 10; i++) {
            List<TokenSequence> shuffled = new ArrayList<>(samples);
            Collections.shuffle(shuffled, random);
            List<TokenBatch> batches = batches(shuffled);
            int cut = random.nextInt(batches.size() + 1);
            assertThat(bytes(run(batches.subList(0, cut)), run(batches.subList(cut, batches.size()))))
                    .isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.scheme.Observers#all")
    void eachStratumHasTheStatisticsOfItsSamplesAndTheStateThoseOfAll(Observer observer) {
        schemes = observedBy(observer);
        kind = observer.needsHistograms() ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        List<TokenSequence> samples = samples(23);
        List<TokenSequence> named = new ArrayList<>();
        for (TokenSequence sample : samples) {
            named.add(new TokenSequence(sample.name(), sample.ids(), "s" + named.size() % 3));
        }
        List<byte[]> parts = new ArrayList<>();
        for (List<TokenSequence> of : List.of(named.subList(0, 11), named.subList(11, 23))) {
            run(batches(of)).parts().values().forEach(part -> parts.add(part.toByteArray()));
        }
        Collections.shuffle(parts, random);
        TaskState merged = new TaskState();
        parts.forEach(part -> merged.merge(TaskState.fromByteArray(part)));
        byte[] all = bytes(run(singly(samples)));
        for (int i = 0; i < 2; i++) {
            assertThat(merged.statistics().toByteArray()).isEqualTo(all);
        }
        assertThat(merged.strata().keySet()).containsExactly("s0", "s1", "s2");
        merged.strata().forEach((stratum, seen) -> {
            List<TokenSequence> its = samples.stream()
                    .filter(sample -> stratum.equals("s" + samples.indexOf(sample) % 3))
                    .toList();
            assertThat(seen.toByteArray()).isEqualTo(bytes(run(singly(its))));
        });
    }

    @Test
    void failedSamplesOfAStratumAreLeftOutOfIt() {
        maxFailed = 1;
        TaskState outcome = run(
                new TokenSequence("a", new int[] {1, 2}, "good"),
                new TokenSequence("b", new int[] {FakeDecoding.BROKEN}, "bad"),
                new TokenSequence("c", new int[] {3}, "good"));
        assertThat(outcome.problem()).isNull();
        assertThat(outcome.strata().keySet()).containsExactly("good");
        assertThat(outcome.statistics().corpus().files()).isEqualTo(2);
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.scheme.Observers#all")
    void calibratingSavedCapturesGivesTheSameBytes(Observer observer) throws IOException {
        for (Dtype dtype : Dtype.values()) {
            schemes = observedBy(observer);
            kind = observer.needsHistograms() ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
            shape = FakeDecoding.shape(2, 2, 4, dtype);
            checkSaved(dtype.name(), batches(samples(12)));
        }
    }

    @Test
    void aTensorLargerThanABlockIsObservedCompletely() throws IOException {
        shape = FakeDecoding.shape(1, 2, 64, Dtype.F32);
        checkSaved("long", singly(List.of(row("a", random.ints(4_500, 0, 50).toArray()))));
    }

    private void checkSaved(String name, List<TokenBatch> batches) throws IOException {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve(name), 1);
        corpus.schemes = schemes;
        corpus.kind = kind;
        TaskState outcome;
        Files.createDirectories(corpus.folder);
        try (CaptureWriter writer =
                new CaptureWriter(new org.apache.hadoop.fs.Path(corpus.folder.toUri()), new Configuration())) {
            sink = writer;
            outcome = run(batches);
        }
        CaptureCorpus.Merged read = corpus.whole();
        assertThat(read.problem()).isNull();
        assertThat(read.statistics().toByteArray()).isEqualTo(bytes(outcome));
        assertThat(read.geometries()).isEqualTo(List.copyOf(outcome.geometries().values()));
    }

    @Test
    void onlyRealTokensAreObserved() {
        TaskState outcome = run(row("b", 1, 2, 3), row("a", 4));
        assertThat(outcome.statistics().corpus().files()).isEqualTo(2);
        assertThat(outcome.statistics().slots().keySet()).containsExactlyElementsOf(SLOTS);
        outcome.statistics().slots().forEach((slot, seen) -> {
            assertThat(seen.tokens()).isEqualTo(4);
            assertThat(seen.samples()).isEqualTo(2);
            assertThat(seen.finite()).isEqualTo(4 * 8);
            assertThat(seen.max()).isLessThan(FakeDecoding.PADDING);
        });
        assertThat(decoding.rowsBegun).containsExactly(2);
        assertThat(progress).containsExactly(3L, 1L);
        assertThat(outcome.tally().readBytes()).isEqualTo(4 * 4 * 8 * 4);
        assertThat(decoding.closed).isTrue();
    }

    @Test
    void ignoredLayersAreNeitherObservedNorSaved() throws IOException {
        layers = new LayerFilter(List.of(), List.of("layers\\.0\\."));
        List<List<Slot>> saved = new ArrayList<>();
        sink = sample -> saved.add(sample.slots());
        TaskState outcome = run(row("a", 1, 2, 3));
        assertThat(outcome.statistics().slots().keySet()).containsExactlyElementsOf(SLOTS.subList(2, 4));
        assertThat(saved).containsExactly(SLOTS.subList(2, 4));
        checkSaved("saved", singly(samples(3)));
    }

    @Test
    void aFailedSampleIsNamedAndNotObserved() {
        TokenSequence bad = row("m", 1, 2, FakeDecoding.BROKEN);
        TaskState outcome = run(row("z", 1, 2, 3), bad, row("b", 4));
        DataProblem problem = Objects.requireNonNull(outcome.problem());
        assertThat(problem.sample()).isEqualTo(Sample.named("m"));
        assertThat(problem.what()).contains("this fake breaks");
        assertThat(decoding.rowsBegun).containsExactly(3, 1, 1, 1);

        maxFailed = 1;
        byte[] without = bytes(run(row("z", 1, 2, 3), row("b", 4)));
        assertThat(bytes(run(row("z", 1, 2, 3), bad, row("b", 4)))).isEqualTo(without);
        int[] breaksLate = new int[3 * FEW];
        breaksLate[2 * FEW + 1] = FakeDecoding.BROKEN;
        assertThat(bytes(run(singly(List.of(row("z", 1, 2, 3), row("c", breaksLate), row("b", 4))))))
                .isEqualTo(without);
    }

    @Test
    void outOfMemoryIsNeverCountedAsAFailedSample() {
        maxFailed = 10;
        TokenSequence large = row("m", 1, 2, FakeDecoding.LARGE);
        for (List<TokenBatch> batches : List.of(
                List.of(new TokenBatch(List.of(row("z", 1, 2, 3), large, row("b", 4)))),
                singly(List.of(row("z", 1, 2, 3), large, row("b", 4))))) {
            TaskState outcome = run(batches);
            DataProblem problem = Objects.requireNonNull(outcome.problem());
            assertThat(problem.what()).contains("out of memory in native code");
            assertThat(outcome.tally().failed()).isEqualTo(FailedSamples.NONE);
        }
        // The rows are not run one by one either.
        run(row("z", 1, 2, 3), large, row("b", 4));
        assertThat(decoding.rowsBegun).containsExactly(3);
    }

    @Test
    void theFirstFailureDoesNotDependOnTheOrder() throws IOException {
        List<TokenSequence> samples = new ArrayList<>(samples(20));
        for (int i = 0; i < 5; i++) {
            samples.add(row("bad/" + i, 1, FakeDecoding.BROKEN, 3));
        }
        for (long most : new long[] {0, 4, 5}) {
            maxFailed = most;
            for (int i = 0; i < 10; i++) {
                Collections.shuffle(samples, random);
                try (TextTask task = task()) {
                    for (TokenBatch batch : batches(samples)) {
                        task.run(batch);
                    }
                    DataProblem problem = task.state().problem();
                    assertThat(problem == null).isEqualTo(most == 5);
                    assertThat(task.state().tally().failed().count()).isBetween(1L, 5L);
                    assertThat(Objects.requireNonNull(
                                            task.state().tally().failed().first())
                                    .sample())
                            .isEqualTo(Sample.named("bad/0"));
                }
            }
        }
    }

    @Test
    void failedSamplesMergeInAnyOrder() {
        DataProblem early = DataProblem.of("x", "").inSample(Sample.named("a"));
        DataProblem late = DataProblem.of("x", "").inSample(Sample.named("b"));
        FailedSamples one = new FailedSamples(2, late);
        FailedSamples other = new FailedSamples(1, early);
        assertThat(one.merge(other)).isEqualTo(new FailedSamples(3, early)).isEqualTo(other.merge(one));
        assertThat(one.merge(FailedSamples.NONE)).isEqualTo(one).isEqualTo(FailedSamples.NONE.merge(one));
    }

    @Test
    void samplesAfterAProblemAreNotRun() {
        run(singly(List.of(row("b", FakeDecoding.BROKEN), row("c", 1), row("a", 1))));
        assertThat(decoding.rowsBegun).hasSize(2);
    }

    @Test
    void aSampleThatNeedsTooMuchMemoryIsRefusedBeforeItRuns() {
        maxBytes = 2 * 10 * shape.bytesPerToken();
        TaskState outcome = run(row("long", new int[11]));
        DataProblem problem = Objects.requireNonNull(outcome.problem());
        assertThat(problem.message()).contains("11 tokens take 2816 bytes", "sample long", "max_seq_length: 10");
        assertThat(decoding.rowsBegun).isEmpty();
        assertThat(run(row("x", new int[10])).problem()).isNull();
        // A batch that is too large runs row by row.
        assertThat(run(row("x", new int[6]), row("y", new int[6])).problem()).isNull();
        assertThat(decoding.rowsBegun).containsExactly(1, 1);
    }

    @Test
    void aSampleThatCannotBeSavedIsNotObserved() {
        sink = sample -> {
            throw new IOException("full");
        };
        TextTask task = task();
        assertThatThrownBy(() -> task.run(new TokenBatch(List.of(row("a", 1))))).hasMessage("full");
        assertThat(task.state().statistics().isEmpty()).isTrue();
        maxFailed = 1;
        sink = sample -> CaptureWriter.checkName(sample.name());
        assertThat(bytes(run(row("..", 1), row("a", 2)))).isEqualTo(bytes(run(row("a", 2))));
    }

    @Test
    void nonFiniteValuesAreCountedAsInCaptures() throws IOException {
        List<TokenBatch> batches =
                singly(List.of(row("b", 1, FakeDecoding.INFINITE, 2), row("a", FakeDecoding.NOT_A_NUMBER)));
        checkSaved("odd", batches);
        fedBack = scales(QuantizationScheme.fp8());
        for (@Nullable FixedScales by : Arrays.asList(null, fedBack)) {
            fedBack = by;
            var values =
                    Objects.requireNonNull(run(batches).statistics().slots().get(SLOTS.get(1)));
            assertThat(values.nan()).isEqualTo(1);
            assertThat(values.infinite()).isGreaterThanOrEqualTo(1);
            assertThat(Objects.requireNonNull(values.firstNonFiniteOrigin()).sample())
                    .isEqualTo(Sample.named("a"));
        }
    }

    private FixedScales scales(QuantizationScheme scheme) {
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        SLOTS.subList(0, 3).forEach(slot -> slots.put(slot, TestScales.random(random, scheme, shape.geometry())));
        return TestScales.table(slots);
    }

    @Test
    void feedbackEqualsTheUpdatesOfAQuantizedCache() {
        kind = StatisticsKind.HISTOGRAM; // ranges would show only the extremes
        for (Dtype dtype : Dtype.values()) {
            shape = FakeDecoding.shape(2, 2, 4, dtype);
            List<TokenSequence> samples = samples(8);
            samples.add(row("long", random.ints(5 * FEW + 3, 0, 90).toArray()));
            fedBack = scales(QuantizationScheme.of(NumberFormat.INT4, Strategy.CHANNEL));
            for (int length : new int[] {0, 1, 5, FEW, 2 * FEW + 1}) {
                residual = length;
                TaskState outcome = run(batches(samples));
                assertThat(slotBytes(outcome)).isEqualTo(byHand(samples, fedBack));
            }
        }
    }

    /** The expected statistics, from the updates of a cache that returns the whole past each time. */
    private byte[] byHand(List<TokenSequence> samples, FixedScales scales) {
        QuantizedKvCache observed = new QuantizedKvCache(schemes, 0, kind, null);
        for (TokenSequence sample : samples) {
            FakeDecoding run = new FakeDecoding(shape);
            QuantizedKvCache cache = QuantizedKvCache.withFixedScales(scales, residual);
            int length = sample.ids().length;
            Map<Slot, ByteBuffer> computed = new TreeMap<>();
            run.begin(1);
            for (int from = 0; from < length; from += FEW) {
                int to = Math.min(length, from + FEW);
                run.feed(new int[][] {Arrays.copyOfRange(sample.ids(), from, to)});
                for (int layer = 0; layer < shape.layers(); layer++) {
                    Slot keys = new Slot(layer, Role.KEY);
                    Slot values = new Slot(layer, Role.VALUE);
                    KvTensor key = KvTokens.copy(run.present(keys), 0, from, to);
                    KvTensor value = KvTokens.copy(run.present(values), 0, from, to);
                    put(computed, keys, key, length, from);
                    put(computed, values, value, length, from);
                    KvPair held = cache.update(key, value, layer);
                    run.put(keys, 0, 0, held.key());
                    run.put(values, 0, 0, held.value());
                }
            }
            computed.forEach((slot, values) -> observed.observe(
                    slot,
                    new Position(
                            new KvSource(
                                    sample.name() + ".safetensors",
                                    0,
                                    sample.name(),
                                    shape.geometry(),
                                    1,
                                    length,
                                    false,
                                    null),
                            0),
                    values));
        }
        return new CalibrationStatistics(Corpus.EMPTY, observed.statistics()).toByteArray();
    }

    private void put(Map<Slot, ByteBuffer> to, Slot slot, KvTensor part, int total, int at) {
        int size = total * shape.geometry().channels() * shape.cache().bytes();
        KvTokens.put(part, to.computeIfAbsent(slot, s -> ByteBuffer.allocate(size)), total, 0, at);
    }

    private static byte[] slotBytes(TaskState outcome) {
        assertThat(outcome.problem()).isNull();
        return new CalibrationStatistics(Corpus.EMPTY, outcome.statistics().slots()).toByteArray();
    }

    @Test
    void feedbackWithoutEffectGivesTheSameBytes() {
        kind = StatisticsKind.HISTOGRAM;
        List<TokenSequence> samples = samples(10);
        samples.add(row("long", random.ints(3 * FEW, 0, 90).toArray()));
        byte[] none = bytes(run(batches(samples)));
        fedBack = scales(QuantizationScheme.of(NumberFormat.INT4, Strategy.TENSOR));
        assertThat(bytes(run(batches(samples)))).isNotEqualTo(none);
        residual = 3 * FEW;
        assertThat(bytes(run(batches(samples)))).isEqualTo(none);
        residual = 0;
        fedBack = TestScales.table(new TreeMap<>());
        assertThat(bytes(run(batches(samples)))).isEqualTo(none);
    }

    @Test
    void scalesOfAnotherModelAreRefusedFirst() {
        fedBack = scales(QuantizationScheme.fp8());
        shape = FakeDecoding.shape(2, 4, 2, Dtype.F32);
        assertThatThrownBy(this::task).hasMessageContainingAll("head_dim 4", "head_dim 2", "layer 0 key");
    }
}
