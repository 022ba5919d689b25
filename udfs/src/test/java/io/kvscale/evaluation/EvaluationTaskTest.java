package io.kvscale.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvscale.cache.FixedScales;
import io.kvscale.cache.KvPair;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.cache.TestScales;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.Outputs;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenSequence;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Evaluation on the tiny model. Its weights are random, but differences between caches are still meaningful. */
class EvaluationTaskTest {
    private static final QuantizationScheme INT4 = QuantizationScheme.of(NumberFormat.INT4, Strategy.TENSOR);
    private static final QuantizationScheme CHANNEL = QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL);
    private static final List<TokenSequence> SAMPLES = new ArrayList<>();

    private static final Path FOLDER =
            Path.of(System.getProperty("kvscale.top", "..")).resolve("conf/tiny-model");

    private static DecoderModel model;
    private static CalibrationStatistics statistics;

    @BeforeAll
    static void calibrate() throws IOException {
        JsonNode expected = new ObjectMapper()
                .readTree(
                        Path.of("src/test/resources/models/tiny/expected.json").toFile());
        for (JsonNode text : expected.get("texts")) {
            int[] ids = new ObjectMapper().convertValue(text.get("ids"), int[].class);
            SAMPLES.add(new TokenSequence("texts/" + text.get("line"), ids));
        }
        model = DecoderModel.open(FOLDER, "model.onnx", Outputs.CACHE_AND_LOGITS);
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.fp8());
        try (DecoderRun run = model.newRun()) {
            for (TokenSequence sample : SAMPLES) {
                run.begin(1);
                run.feed(new int[][] {sample.ids()});
                for (Slot slot : slots()) {
                    KvTensor seen = run.present(slot);
                    KvSource source = new KvSource(
                            sample.name(), 0, sample.name(), seen.geometry(), 1, seen.tokens(), false, null);
                    cache.observe(slot, new Position(source, 0), seen.values());
                }
            }
        }
        statistics = new CalibrationStatistics(Corpus.EMPTY, new TreeMap<>(cache.statistics()));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void aCacheWithoutScalesEqualsTheFullPrecisionCache() {
        ScaleTable none =
                new ScaleTable(INT4, new ScaleTable.CorpusSummary("", 0, 0, 0, 0), new TreeMap<Slot, SlotScales>());
        for (SampleScore score : scores(16, 0, none)) {
            SchemeScore scheme = score.schemes().get(0);
            assertThat(scheme.divergence()).isZero();
            assertThat(scheme.topTokenMatches()).isEqualTo(score.predicted());
            assertThat(scheme.negativeLogLikelihood()).isEqualTo(score.negativeLogLikelihood());
            assertThat(scheme.errors()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "16, 0", "7, 0", "7, 5", "16, 20"})
    void scoresEqualThoseOfAnUpdatedCache(int chunk, int residualLength) {
        for (QuantizationScheme scheme : List.of(INT4, CHANNEL)) {
            ScaleTable table = table(scheme);
            List<SampleScore> scores = scores(chunk, residualLength, table);
            for (int i = 0; i < SAMPLES.size(); i++) {
                Naive naive = new Naive(SAMPLES.get(i).ids(), chunk, FixedScales.of(table), residualLength);
                SampleScore score = scores.get(i);
                assertThat(score.sample()).isEqualTo(SAMPLES.get(i).name());
                assertThat(score.tokens()).isEqualTo(SAMPLES.get(i).ids().length);
                assertThat(score.predicted()).isEqualTo(score.tokens() - 1);
                assertThat(score.negativeLogLikelihood()).isCloseTo(naive.baseline, within(1e-9));
                assertThat(score.schemes().get(0).negativeLogLikelihood())
                        .isCloseTo(naive.negativeLogLikelihood, within(1e-9));
                assertThat(score.schemes().get(0).divergence()).isCloseTo(naive.divergence, within(1e-9));
                assertThat(score.schemes().get(0).topTokenMatches()).isEqualTo(naive.topTokenMatches);
            }
        }
    }

    @Test
    void withQuantizationInTheGraphEveryTokenAttendsToQuantizedTokens() {
        FixedScales scales = FixedScales.of(table(INT4));
        int[] ids = SAMPLES.get(0).ids();
        try (DecoderModel quantizing = DecoderModel.open(FOLDER, "model.onnx", Outputs.QUANTIZED);
                DecoderRun run =
                        quantizing.newRun(scales.graphQuantizers(model.shape().geometry()));
                DecoderRun exact = model.newRun();
                EvaluationTask task = new EvaluationTask(quantizing, List.of(scales), Attention.QUANTIZED)) {
            run.begin(1);
            run.feed(new int[][] {ids});
            exact.begin(1);
            exact.feed(new int[][] {ids});
            double full = 0;
            double quantized = 0;
            for (int i = 0; i + 1 < ids.length; i++) {
                full -= Math.log(Naive.softmax(exact, i)[ids[i + 1]]);
                quantized -= Math.log(Naive.softmax(run, i)[ids[i + 1]]);
            }
            SampleScore score = task.score(SAMPLES.get(0));
            assertThat(score.negativeLogLikelihood()).isCloseTo(full, within(1e-9));
            assertThat(score.schemes().get(0).negativeLogLikelihood()).isCloseTo(quantized, within(1e-9));
            for (Slot slot : slots()) {
                KvTensor computed = run.computed(slot);
                SquareSums sums = score.schemes().get(0).errors().get(slot);
                assertThat(sums).isEqualTo(ScoredRun.sums(computed, TestScales.fakeQuantized(scales, slot, computed)));
            }
            // The second token is predicted by one that attends to itself only.
            SampleScore shortest = task.score(new TokenSequence("two", Arrays.copyOf(ids, 2)));
            assertThat(shortest.schemes().get(0).divergence()).isPositive();
        }
    }

    @Test
    void aTextOfOneChunkHasAnErrorButNoDivergence() {
        for (SampleScore score : scores(1000, 0, table(INT4))) {
            assertThat(score.schemes().get(0).divergence()).isZero();
            assertThat(score.schemes().get(0).errors().values())
                    .hasSize(slots().size())
                    .allMatch(sums -> sums.noise() > 0 && sums.signal() > sums.noise());
        }
        for (SampleScore score : scores(4, 1000, table(INT4))) {
            assertThat(score.schemes().get(0).divergence()).isZero();
            assertThat(score.schemes().get(0).errors().values()).containsOnly(SquareSums.ZERO);
        }
    }

    @Test
    void errorsEqualThoseOfTheComputedValues() {
        ScaleTable table = table(INT4);
        FixedScales fixed = FixedScales.of(table);
        // With one chunk, the run computes the values of the full-precision run.
        SampleScore score = scores(1000, 0, table).get(0);
        try (DecoderRun run = model.newRun()) {
            run.begin(1);
            run.feed(new int[][] {SAMPLES.get(0).ids()});
            for (Slot slot : slots()) {
                KvTensor exact = run.present(slot);
                KvTensor quantized = TestScales.fakeQuantized(fixed, slot, exact);
                double signal = 0;
                double noise = 0;
                for (int i = 0; i < exact.size(); i++) {
                    signal += Math.pow(exact.value(i), 2);
                    noise += Math.pow(exact.value(i) - quantized.value(i), 2);
                }
                SquareSums sums = score.schemes().get(0).errors().get(slot);
                assertThat(sums.signal()).isCloseTo(signal, within(1e-9 * signal));
                assertThat(sums.noise()).isCloseTo(noise, within(1e-6 * noise));
            }
        }
    }

    @Test
    void infiniteErrorsAreProblemsOfTheSlot() {
        Geometry geometry = new Geometry(Dtype.F16, 1, 1);
        Slot slot = new Slot(1, Role.VALUE);
        KvTensor greatest = new KvTensor(geometry, 1, 1, ByteBuffer.wrap(new byte[] {(byte) 0xff, 0x7b}));
        KvTensor infinite = new KvTensor(geometry, 1, 1, ByteBuffer.wrap(new byte[] {0, 0x7c}));
        assertThat(ScoredRun.finiteSums(slot, greatest, greatest)).isEqualTo(new SquareSums(65504.0 * 65504, 0));
        assertThatThrownBy(() -> ScoredRun.finiteSums(slot, greatest, infinite))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("infinite values in the cache, which is F16", "layer 1 value");
        assertThatThrownBy(() -> ScoredRun.finiteSums(slot, infinite, infinite))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("NaN or infinite values cannot be quantized", "layer 1 value");
    }

    @Test
    void scalesFourTimesTooSmallScoreWorse() {
        ScaleTable right = table(CHANNEL);
        List<SampleScore> scores = scores(8, 0, right, times(right, 0.25f), table(INT4));
        double good = sum(scores, 0);
        assertThat(good).isPositive();
        assertThat(sum(scores, 1)).isGreaterThan(3 * good);
        assertThat(sum(scores, 2)).isGreaterThan(3 * good);
        scores.forEach(score -> score.schemes()
                .get(0)
                .errors()
                .forEach((slot, sums) -> assertThat(sums.sqnrDb())
                        .isGreaterThan(score.schemes().get(1).errors().get(slot).sqnrDb())));
    }

    @Test
    void cachesAndSamplesAreIndependent() {
        ScaleTable first = table(INT4);
        ScaleTable second = table(CHANNEL);
        List<SampleScore> together = scores(8, 3, first, second);
        for (int i = 0; i < SAMPLES.size(); i++) {
            try (EvaluationTask alone =
                    new EvaluationTask(model, List.of(FixedScales.of(second)), new Attention(8, 3))) {
                SampleScore score = alone.score(SAMPLES.get(i));
                assertThat(score.negativeLogLikelihood())
                        .isEqualTo(together.get(i).negativeLogLikelihood());
                assertThat(score.schemes().get(0))
                        .isEqualTo(together.get(i).schemes().get(1));
            }
        }
    }

    @Test
    void aFailedSampleIsNamedAndDoesNotAffectTheNext() {
        int vocabulary = model.shape().vocabulary();
        List<FixedScales> scales = List.of(FixedScales.of(table(INT4)));
        try (EvaluationTask task = new EvaluationTask(model, scales, new Attention(8, 0))) {
            SampleScore before = task.score(SAMPLES.get(0));
            for (int invalidId : new int[] {vocabulary, -1}) {
                int[] ids = SAMPLES.get(1).ids().clone();
                ids[ids.length - 1] = invalidId;
                assertThatThrownBy(() -> task.score(new TokenSequence("texts/odd", ids)))
                        .isInstanceOf(InvalidDataException.class)
                        .hasMessageContaining("sample texts/odd")
                        .hasMessageContaining(" " + invalidId + " ");
            }
            int[] tooLong = new int[model.shape().maxPositions() + 1];
            assertThatThrownBy(() -> task.score(new TokenSequence("texts/long", tooLong)))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("sample texts/long");
            assertThat(task.score(SAMPLES.get(0))).isEqualTo(before);
        }
    }

    /** A slow reference: updates of a cache, whole sequences, and the softmax by its definition. */
    private static final class Naive {
        double baseline;
        double negativeLogLikelihood;
        double divergence;
        long topTokenMatches;

        Naive(int[] ids, int chunk, FixedScales scales, int residualLength) {
            QuantizedKvCache cache = QuantizedKvCache.withFixedScales(scales, residualLength);
            try (DecoderRun exact = model.newRun();
                    DecoderRun quantized = model.newRun()) {
                exact.begin(1);
                quantized.begin(1);
                for (int from = 0; from < ids.length; from += chunk) {
                    int[] next = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + chunk));
                    exact.feed(new int[][] {next});
                    quantized.feed(new int[][] {next});
                    for (int i = 0; i < next.length && from + i + 1 < ids.length; i++) {
                        count(softmax(exact, i), softmax(quantized, i), ids[from + i + 1]);
                    }
                    for (int layer = 0; layer < model.shape().layers(); layer++) {
                        Slot key = new Slot(layer, Role.KEY);
                        Slot value = new Slot(layer, Role.VALUE);
                        KvPair held = cache.update(
                                newest(quantized.present(key), next.length),
                                newest(quantized.present(value), next.length),
                                layer);
                        quantized.put(key, 0, 0, held.key());
                        quantized.put(value, 0, 0, held.value());
                    }
                }
            }
        }

        private static KvTensor newest(KvTensor whole, int tokens) {
            int line = whole.geometry().headDim() * whole.geometry().dtype().bytes();
            byte[] bytes = new byte[whole.geometry().heads() * tokens * line];
            for (int head = 0; head < whole.geometry().heads(); head++) {
                int at = ((head + 1) * whole.tokens() - tokens) * line;
                whole.values().get(at, bytes, head * tokens * line, tokens * line);
            }
            return new KvTensor(whole.geometry(), 1, tokens, ByteBuffer.wrap(bytes));
        }

        private static double[] softmax(DecoderRun run, int row) {
            double[] shares = new double[model.shape().vocabulary()];
            double total = 0;
            for (int i = 0; i < shares.length; i++) {
                shares[i] = Math.exp(run.logits().get(row * shares.length + i));
                total += shares[i];
            }
            for (int i = 0; i < shares.length; i++) {
                shares[i] /= total;
            }
            return shares;
        }

        private void count(double[] p, double[] q, int token) {
            baseline -= Math.log(p[token]);
            negativeLogLikelihood -= Math.log(q[token]);
            int topP = 0;
            int topQ = 0;
            for (int i = 0; i < p.length; i++) {
                divergence += p[i] * (Math.log(p[i]) - Math.log(q[i]));
                topP = p[i] > p[topP] ? i : topP;
                topQ = q[i] > q[topQ] ? i : topQ;
            }
            topTokenMatches += topP == topQ ? 1 : 0;
        }
    }

    private static List<SampleScore> scores(int chunk, int residualLength, ScaleTable... tables) {
        List<FixedScales> scales = Arrays.stream(tables).map(FixedScales::of).toList();
        try (EvaluationTask task = new EvaluationTask(model, scales, new Attention(chunk, residualLength))) {
            return SAMPLES.stream().map(task::score).toList();
        }
    }

    private static double sum(List<SampleScore> scores, int scheme) {
        return scores.stream()
                .mapToDouble(score -> score.schemes().get(scheme).divergence())
                .sum();
    }

    private static ScaleTable table(QuantizationScheme scheme) {
        Tolerances expectations = new Tolerances(false, false, false, false);
        return new ScaleSolver(SlotSchemes.of(scheme), layer -> true, expectations)
                .solve(statistics, null)
                .table();
    }

    private static ScaleTable times(ScaleTable table, float factor) {
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        table.slots().forEach((slot, slotScales) -> {
            float[] scale = slotScales.scale().clone();
            for (int i = 0; i < scale.length; i++) {
                scale[i] *= factor;
            }
            slots.put(
                    slot,
                    new SlotScales(
                            slotScales.scheme(),
                            slotScales.geometry(),
                            scale,
                            slotScales.zeroPoint(),
                            slotScales.rangeMin(),
                            slotScales.rangeMax(),
                            slotScales.min(),
                            slotScales.max(),
                            slotScales.count(),
                            slotScales.nan(),
                            slotScales.infinite(),
                            slotScales.minSample(),
                            slotScales.maxSample(),
                            slotScales.error()));
        });
        return new ScaleTable(table.scheme(), table.corpus(), slots);
    }

    private static List<Slot> slots() {
        List<Slot> slots = new ArrayList<>();
        for (int layer = 0; layer < model.shape().layers(); layer++) {
            for (Role role : Role.CACHED) {
                slots.add(new Slot(layer, role));
            }
        }
        return slots;
    }
}
