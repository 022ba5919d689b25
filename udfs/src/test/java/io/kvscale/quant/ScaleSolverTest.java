package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.LastBatch;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ScaleSolverTest {
    private static final Tolerances STRICT = new Tolerances(false, false, false, false);
    private static final Geometry SMALL = new Geometry(Dtype.F16, 1, 2);
    private static final float[] USUAL = {-1, 2, 3, -4};

    private final Map<Slot, SlotStatistics> slots = new TreeMap<>();
    private QuantizationScheme scheme = QuantizationScheme.fp8();

    @Test
    void aWholeModelGetsAScaleForEverySlot() {
        layer(0);
        layer(1);
        ScaleSolver.Solution solution = solve(STRICT);
        assertThat(solution.table().slots()).hasSize(4);
        assertThat(Objects.requireNonNull(solution.table().slots().get(key(1))).scale())
                .containsExactly(4f / 448f);
        assertThat(solution.table().corpus().tokens()).isEqualTo(2);
        assertThat(solution.table().corpus().values()).isEqualTo(16);
        assertThat(solution.warnings())
                .singleElement()
                .asString()
                .contains("few tokens")
                .contains("2 tokens");
        assertThat(ScaleTable.fromJson(solution.table().toJson()).toJson())
                .isEqualTo(solution.table().toJson());
    }

    @Test
    void emptyStatisticsAreRefused() {
        refused(STRICT, "no K or V of any layer was found");
    }

    @Test
    void keysWithoutValuesAreRefusedUnlessMla() {
        add(key(0), USUAL);
        refused(STRICT, "has the key of this layer, but no value", "layer 0 value", "mla: true");
        assertThat(solve(new Tolerances(false, true, false, false)).table().slots())
                .hasSize(1);
        slots.clear();
        add(value(0), USUAL);
        refused(STRICT, "has the value of this layer, but no key");
        refused(new Tolerances(false, true, false, false), "has the value of this layer, but no key");
    }

    @Test
    void aMissingLayerIsRefusedUnlessTheModelIsHybrid() {
        layer(1);
        layer(3);
        refused(STRICT, "layer 0 is missing, but layer 3 is present", "hybrid: true");
        layer(0);
        refused(STRICT, "layer 2 is missing");
        assertThat(solve(new Tolerances(true, false, false, false)).table().slots())
                .hasSize(6);
        assertThat(solver(STRICT, layer -> layer != 2)
                        .solve(statistics(), null)
                        .table()
                        .slots())
                .hasSize(6);
        assertThat(solver(STRICT, layer -> layer == 3)
                        .solve(statistics(), null)
                        .table()
                        .slots())
                .hasSize(2);
    }

    @Test
    void tokensThatDifferAreRefused() {
        add(key(0), USUAL);
        add(value(0), 1, 2);
        refused(STRICT, "2 tokens of key, 1 of value", "layer 0 key");
        refused(new Tolerances(true, false, false, false), "2 tokens of key, 1 of value", "layer 0 key");
        slots.clear();
        layer(0);
        layer(1);
        add(key(2), 1, 2);
        add(value(2), 1, 2);
        refused(STRICT, "1 tokens, but layer 0 key and 3 others have 2", "layer 2 key");
        assertThat(solve(new Tolerances(true, false, false, false)).table().slots())
                .hasSize(6);
    }

    @Test
    void aSlotOfZerosIsRefusedUnlessAllowed() {
        layer(0);
        add(value(0), 0, -0f, 0, 0);
        refused(STRICT, "all 4 values are zero", "layer 0 value", "sample s", "file f", "allow_zero: true");
        ScaleSolver.Solution solution = solve(new Tolerances(false, false, true, false));
        assertThat(Objects.requireNonNull(solution.table().slots().get(value(0)))
                        .scale())
                .containsExactly(Dtype.F32.epsilon());
        assertThat(solution.warnings()).anyMatch(w -> w.contains("1 of 1 ranges hold zeros only"));
    }

    @Test
    void aChannelOfZerosGetsTheEpsilonAndAWarning() {
        scheme = scheme(NumberFormat.INT8, Strategy.CHANNEL, 0, true, new StaticMinMax(), ScaleDtype.INPUT);
        layer(0);
        add(key(0), 1, 0, 2, -0f);
        ScaleSolver.Solution solution = solve(STRICT);
        assertThat(Objects.requireNonNull(solution.table().slots().get(key(0))).scale()[1])
                .isEqualTo(Dtype.F16.epsilon());
        assertThat(solution.warnings()).anyMatch(w -> w.contains("layer 0 key: 1 of 2 ranges hold zeros only"));
    }

    @Test
    void nanAndInfinitiesAreRefusedOrIgnored() {
        layer(0);
        add(key(0), 1, Float.NaN, Float.NEGATIVE_INFINITY, 2);
        refused(STRICT, "NaN or infinite values", "layer 0 key", "sample s", "on_nonfinite: skip");
        ScaleSolver.Solution solution = solve(new Tolerances(false, false, false, true));
        assertThat(Objects.requireNonNull(solution.table().slots().get(key(0))).scale())
                .containsExactly(2f / 448f);
        assertThat(solution.warnings()).anyMatch(w -> w.contains("1 NaN and 1 infinite values were left out"));
        add(key(0), Float.NaN, Float.NaN, Float.NaN, Float.NaN);
        refused(new Tolerances(false, false, false, true), "no finite value was observed");
    }

    @Test
    void theFirstOfSeveralProblemsIsReported() {
        add(key(1), Float.NaN, 1);
        add(key(4), Float.NaN, 1);
        refused(STRICT, "layer 1 key", "NaN");
        DataProblem found = DataProblem.of("cut off", "copy it").inSample(new io.kvscale.tensor.Sample("a", -1));
        assertThatThrownBy(() -> solver(STRICT, layer -> true).solve(statistics(), found))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("cut off");
        DataProblem later = DataProblem.of("cut off", "copy it").inSample(new io.kvscale.tensor.Sample("t", -1));
        assertThatThrownBy(() -> solver(STRICT, layer -> true).solve(statistics(), later))
                .hasMessageContaining("NaN or infinite values");
    }

    @Test
    void incompleteStatisticsAreRefused() {
        layer(0);
        SlotStatistics part = new SlotStatistics(SMALL, null, StatisticsKind.RANGE.tables());
        KvSource source = new KvSource("f", 0, "s", SMALL, 1, 2, false, null);
        part.update(new Position(source, 0), bytes(SMALL, 1, 2, 3));
        slots.put(key(0), part);
        refused(STRICT, "3 values do not make 2 tokens");
    }

    @Test
    void aGroupThatDoesNotDivideTheHeadIsRefused() {
        scheme = scheme(NumberFormat.INT4, Strategy.GROUP, 3, true, new StaticMinMax(), ScaleDtype.FLOAT32);
        layer(0);
        refused(STRICT, "group_size 3 does not divide head_dim 2", "layer 0 key");
    }

    @Test
    void anOverflowingRangeNamesTheRemedy() {
        scheme = scheme(NumberFormat.INT8, Strategy.TENSOR, 0, false, new StaticMinMax(), ScaleDtype.INPUT);
        layer(0);
        add(key(0), -65_000, 65_000, 0, 0);
        refused(STRICT, "overflows F16", "say scale_dtype: float32", "layer 0 key");
        scheme = scheme(NumberFormat.INT8, Strategy.TENSOR, 0, false, new StaticMinMax(), ScaleDtype.FLOAT32);
        // As F16 holds them: 64992 and its negative.
        assertThat(Objects.requireNonNull(solve(STRICT).table().slots().get(key(0)))
                        .scale())
                .containsExactly(129_984f / 255f);
    }

    @Test
    void anObserverWhoseBatchesAreMissingIsRefused() {
        layer(0);
        for (Observer observer : new Observer[] {new MovingAverage(), new LastBatch()}) {
            scheme = scheme(NumberFormat.INT8, Strategy.TENSOR, 0, true, observer, ScaleDtype.FLOAT32);
            refused(STRICT, "do not hold the range of every batch", "observer static_minmax");
        }
        slots.put(key(0), slot(new BatchPolicy(1, false), USUAL));
        slots.put(value(0), slot(new BatchPolicy(1, false), USUAL));
        scheme = scheme(NumberFormat.INT8, Strategy.TENSOR, 0, true, new MovingAverage(), ScaleDtype.FLOAT32);
        refused(STRICT, "do not hold the range of every batch");
        scheme = scheme(NumberFormat.INT8, Strategy.CHANNEL, 0, true, new MovingAverage(), ScaleDtype.FLOAT32);
        assertThat(solve(STRICT).table().slots()).hasSize(2);
        // Batches that an observer does not need have no effect.
        scheme = QuantizationScheme.fp8();
        assertThat(solve(STRICT).table().slots()).hasSize(2);
    }

    private void refused(Tolerances expectations, String... parts) {
        assertThatThrownBy(() -> solve(expectations))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(parts);
    }

    private ScaleSolver.Solution solve(Tolerances expectations) {
        return solver(expectations, layer -> true).solve(statistics(), null);
    }

    private ScaleSolver solver(Tolerances expectations, java.util.function.IntPredicate layers) {
        return new ScaleSolver(SlotSchemes.of(scheme), layers, expectations);
    }

    private CalibrationStatistics statistics() {
        return new CalibrationStatistics(Corpus.EMPTY.withFile(), slots);
    }

    private void layer(int layer) {
        add(key(layer), USUAL);
        add(value(layer), USUAL);
    }

    private void add(Slot slot, float... values) {
        slots.put(slot, slot(null, values));
    }

    private static SlotStatistics slot(@Nullable BatchPolicy policy, float... values) {
        SlotStatistics statistics = new SlotStatistics(SMALL, policy, StatisticsKind.RANGE.tables());
        KvSource source = new KvSource("f", 0, "s", SMALL, 1, values.length / 2, false, null);
        statistics.update(new Position(source, 0), bytes(SMALL, values));
        return statistics;
    }

    private static ByteBuffer bytes(Geometry geometry, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            bytes.putShort((short) geometry.dtype().fromFloat(x));
        }
        return bytes.flip();
    }

    private static QuantizationScheme scheme(
            NumberFormat format, Strategy strategy, int group, boolean symmetric, Observer observer, ScaleDtype dtype) {
        return new QuantizationScheme(format, strategy, group, symmetric, observer, dtype);
    }

    private static Slot key(int layer) {
        return new Slot(layer, Role.KEY);
    }

    private static Slot value(int layer) {
        return new Slot(layer, Role.VALUE);
    }
}
