package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.Entropy;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scale tables under another convention, compared with tables derived under it. */
class ScaleConventionTest {
    private static final ScaleConvention ONNX = new ScaleConvention(IntegerGrid.LOWEST_CODE, GlobalScale.byDefault());
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 2, 16);
    private static final Slot KEY = new Slot(0, Role.KEY);
    private static final Slot VALUE = new Slot(0, Role.VALUE);

    @Test
    void nothingChangesUnderTheDefault() {
        for (NumberFormat format : NumberFormat.values()) {
            ScaleTable table = table(scheme(format, Strategy.TENSOR, new Mse(), ScaleDtype.FLOAT32));
            assertThat(ScaleConvention.DEFAULT.needsStatistics(table)).isFalse();
            assertThat(ScaleConvention.DEFAULT.apply(table, null)).isSameAs(table);
        }
        ScaleTable nvfp4 = table(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448));
        assertThat(ScaleConvention.DEFAULT.apply(nvfp4, null)).isSameAs(nvfp4);
    }

    @Test
    void floatsAndAsymmetricIntegersHaveOneGrid() {
        for (NumberFormat format : NumberFormat.values()) {
            if (!format.isInteger()) {
                ScaleTable table = table(QuantizationScheme.of(format, Strategy.CHANNEL));
                assertThat(ONNX.apply(table, null)).isSameAs(table);
            }
        }
        ScaleTable asymmetric = table(QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new Mse()));
        assertThat(ONNX.needsStatistics(asymmetric)).isFalse();
        assertThat(ONNX.apply(asymmetric, null)).isSameAs(asymmetric);
    }

    @ParameterizedTest
    @CsvSource({"INT8, 128, FLOAT32", "INT8, 128, INPUT", "INT4, 8, FLOAT32", "INT4, 8, INPUT"})
    void integersOfOnnxRuntimeAreDividedByTheLowestCode(NumberFormat format, float divisor, ScaleDtype dtype) {
        for (Strategy strategy : new Strategy[] {Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL}) {
            QuantizationScheme scheme = scheme(format, strategy, new StaticMinMax(), dtype);
            ScaleTable before = table(scheme);
            ScaleTable after = ONNX.apply(before, null);
            assertThat(after.scheme()).isEqualTo(scheme);
            assertThat(after.slots()).hasSize(2);
            after.slots().forEach((slot, scales) -> {
                SlotScales own = before.slots().get(slot);
                assertThat(scales.scale()).hasSameSizeAs(own.scale()).isNotEqualTo(own.scale());
                for (int i = 0; i < scales.scale().length; i++) {
                    float most = Math.max(-own.rangeMin()[i], own.rangeMax()[i]);
                    assertThat(scales.scale()[i])
                            .isEqualTo(dtype == ScaleDtype.INPUT ? Dtype.BF16.round(most / divisor) : most / divisor);
                }
                assertThat(scales.rangeMax()).isEqualTo(own.rangeMax());
                assertThat(scales.zeroPoint()).containsOnly(0f);
                assertThat(scales.count()).isEqualTo(own.count());
                assertThat(scales.error()).isNull();
            });
            assertThat(after.sha256()).isNotEqualTo(before.sha256());
            assertThat(after.warnings()).isEmpty();
        }
    }

    /** Rules that do not try scales give the same ranges on each grid, so the table is enough. */
    @Test
    void rangesOfCountsAndBatchesNeedNoStatistics() {
        for (Observer observer :
                new Observer[] {new Percentile(99), new Entropy(), new MovingAverage(0.5), new StaticMinMax()}) {
            QuantizationScheme scheme = scheme(NumberFormat.INT8, Strategy.ATTN_HEAD, observer, ScaleDtype.FLOAT32);
            ScaleTable table = table(scheme);
            assertThat(ONNX.needsStatistics(table)).isFalse();
            assertSame(ONNX.apply(table, null), scheme);
        }
    }

    @Test
    void mseSearchesTheStatisticsOnTheGridOfTheTarget() {
        for (ScaleDtype dtype : ScaleDtype.values()) {
            QuantizationScheme scheme = scheme(NumberFormat.INT4, Strategy.ATTN_HEAD, new Mse(), dtype);
            ScaleTable table = table(scheme);
            assertThat(ONNX.needsStatistics(table)).isTrue();
            assertSame(ONNX.apply(table, statistics(scheme)), scheme);
        }
    }

    @Test
    void mseWithoutItsStatisticsIsRefused() {
        QuantizationScheme scheme = scheme(NumberFormat.INT8, Strategy.TENSOR, new Mse(), ScaleDtype.FLOAT32);
        ScaleTable table = table(scheme);
        refused(table, null, "observer mse", "layer 0 key", "statistics.kvstats beside kv_scales.json");
        refused(table, new CalibrationStatistics(), "is not that of the scale table", "none", "layer 0 key");
        CalibrationStatistics other = new CalibrationStatistics(Corpus.EMPTY, new TreeMap<>());
        new TreeMap<>(statistics(scheme).slots()).forEach((slot, seen) -> {
            seen.update(position(3), values(9));
            other.slot(slot, GEOMETRY).merge(seen);
        });
        refused(table, other, "is not that of the scale table", "1024 values", "layer 0 key", "one run");
    }

    @Test
    void anEditedIntegerScaleIsKept() {
        ScaleTable before = edited(table(QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR)), KEY);
        ScaleTable after = ONNX.apply(before, null);
        assertThat(after.slots().get(KEY)).isSameAs(before.slots().get(KEY));
        SlotScales value = before.slots().get(VALUE);
        assertThat(after.slots().get(VALUE).scale())
                .containsExactly(Math.max(-value.rangeMin()[0], value.rangeMax()[0]) / 128f);
        ScaleTable searched =
                edited(table(scheme(NumberFormat.INT8, Strategy.TENSOR, new Mse(), ScaleDtype.FLOAT32)), KEY, VALUE);
        assertThat(ONNX.needsStatistics(searched)).isFalse();
        assertThat(ONNX.apply(searched, null)).isSameAs(searched);
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void globalScalesAreSolvedAgainFromTheirRanges(GlobalScale from) {
        for (GlobalScale to : GlobalScale.values()) {
            ScaleTable table = table(QuantizationScheme.nvfp4(from));
            ScaleTable after = new ScaleConvention(IntegerGrid.HALF_WIDTH, to).apply(table, null);
            assertThat(after.toJson())
                    .isEqualTo(table(QuantizationScheme.nvfp4(to)).toJson());
        }
        ScaleTable own = table(QuantizationScheme.nvfp4(from));
        assertThat(ScaleConvention.OWN.apply(own, null)).isSameAs(own);
    }

    @Test
    void anEditedGlobalScaleIsRefused() {
        ScaleTable table = edited(table(QuantizationScheme.nvfp4(GlobalScale.DIVISOR)), VALUE);
        assertThatThrownBy(() -> ScaleConvention.DEFAULT.apply(table, null))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("was edited", "2688/absmax", "absmax/448", "layer 0 value");
        ScaleConvention own = new ScaleConvention(IntegerGrid.HALF_WIDTH, GlobalScale.DIVISOR);
        assertThat(own.apply(table, null)).isSameAs(table);
    }

    @Test
    void aRangeWithoutAGlobalScaleOfTheTargetIsRefused() {
        ScaleTable whole = table(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448));
        float most = 1e-38f;
        SlotScales tiny = new SlotScales(
                whole.scheme(),
                GEOMETRY,
                new float[] {most / 448},
                new float[1],
                new float[1],
                new float[] {most},
                0,
                most,
                1,
                0,
                0,
                null,
                null,
                null);
        ScaleTable table = new ScaleTable(whole.scheme(), whole.corpus(), new TreeMap<>(Map.of(KEY, tiny)));
        assertThatThrownBy(() -> new ScaleConvention(IntegerGrid.HALF_WIDTH, GlobalScale.DIVISOR).apply(table, null))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("2688/absmax is Infinity", "layer 0 key");
    }

    private static void refused(ScaleTable table, CalibrationStatistics statistics, String... parts) {
        assertThatThrownBy(() -> ONNX.apply(table, statistics))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(parts);
    }

    /** Compares with the scales derived on the grid from statistics. */
    private static void assertSame(ScaleTable after, QuantizationScheme scheme) {
        statistics(scheme).slots().forEach((slot, seen) -> {
            ScaleSet expected = ScaleSet.derive(seen, scheme, IntegerGrid.LOWEST_CODE);
            assertThat(after.slots().get(slot).scale()).isEqualTo(expected.scales());
            if (scheme.scaleDtype() == ScaleDtype.FLOAT32) { // Rounding to BF16 may hide the difference.
                assertThat(expected.scales())
                        .isNotEqualTo(ScaleSet.derive(seen, scheme).scales());
            }
            assertThat(after.slots().get(slot).rangeMax()[0]).isEqualTo(expected.ranges()[0].max());
        });
    }

    private static QuantizationScheme scheme(
            NumberFormat format, Strategy strategy, Observer observer, ScaleDtype dtype) {
        return new QuantizationScheme(format, strategy, 0, true, observer, dtype);
    }

    private static ScaleTable edited(ScaleTable table, Slot... slots) {
        String json = new String(table.toJson(), StandardCharsets.UTF_8);
        for (Slot slot : slots) {
            String scale = "\"scale\" : [ " + table.slots().get(slot).scale()[0] + " ]";
            assertThat(json).contains(scale);
            json = json.replace(scale, "\"scale\" : [ 0.25 ]");
        }
        return ScaleTable.fromJson(json.getBytes(StandardCharsets.UTF_8));
    }

    private static ScaleTable table(QuantizationScheme scheme) {
        ScaleTable table = new ScaleSolver(
                        SlotSchemes.of(scheme), layer -> true, new Tolerances(false, false, false, false))
                .solve(statistics(scheme), null)
                .table();
        return ScaleTable.fromJson(table.toJson());
    }

    private static CalibrationStatistics statistics(QuantizationScheme scheme) {
        TreeMap<Slot, SlotStatistics> slots = new TreeMap<>();
        for (Slot slot : new Slot[] {KEY, VALUE}) {
            SlotStatistics seen =
                    new SlotStatistics(GEOMETRY, ScaleSet.policy(scheme, GEOMETRY), StatisticsKind.HISTOGRAM.tables());
            for (int batch = 0; batch < 2; batch++) {
                seen.update(position(batch), values(slot.role().ordinal() * 2 + batch));
            }
            slots.put(slot, seen);
        }
        return new CalibrationStatistics(Corpus.EMPTY.withFile(), slots);
    }

    private static Position position(int batch) {
        return new Position(new KvSource("f" + batch, 0, "s" + batch, GEOMETRY, 1, 16, false, null), 0);
    }

    /** 16 tokens of normal values. */
    private static ByteBuffer values(int seed) {
        Random random = new Random(seed);
        ByteBuffer bytes = ByteBuffer.allocate(16 * 2 * GEOMETRY.channels()).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putShort((short) Dtype.BF16.fromFloat((float) random.nextGaussian()));
        }
        return bytes.rewind();
    }
}
