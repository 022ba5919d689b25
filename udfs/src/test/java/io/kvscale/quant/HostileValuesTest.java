package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.Observers;
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
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every scheme on values at the limits of their type: a usable scale, or an error that says why there is none. */
class HostileValuesTest {
    private static final int HEADS = 2;
    private static final int HEAD_DIM = 16;
    private static final Slot SLOT = new Slot(0, Role.KEY);
    private static final Tolerances LENIENT = new Tolerances(true, true, true, true);

    /** The whole text of every error that may come of finite values. */
    private static final Pattern ERRORS = Pattern.compile("max - min = \\S+ - \\S+ overflows (F32|BF16|F16)"
            + "|percentile 99\\.99 of \\|x\\| is 0: \\d+ of \\d+ values are zero"
            + "|the greatest absolute value is \\S+, and .* is \\S+ as a 32-bit float"
            + "|the range is 0, for which NVFP4 has no global scale"
            + "|the norm of a RoPE pair is above the greatest number of float32");

    private record Values(String name, float... values) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final List<Values> SETS = List.of(
            new Values("least f32", Float.MIN_VALUE),
            new Values("both least f32", Float.MIN_VALUE, -Float.MIN_VALUE),
            new Values("least f32 among zeros", 0, 0, 0, 0, 0, 0, 0, Float.MIN_VALUE),
            new Values("least normal f32", Float.MIN_NORMAL, -Float.MIN_NORMAL, 0),
            new Values("least bf16", 0x1p-133f, -0x1p-133f, 0x1p-126f),
            new Values("least f16", 0x1p-24f, 0, -0x1p-14f),
            new Values("greatest f32", Float.MAX_VALUE),
            new Values("least and greatest f32", Float.MAX_VALUE, -Float.MAX_VALUE),
            new Values("negative greatest f32", -Float.MAX_VALUE, -1),
            new Values("greatest f16", 65504, -65504),
            new Values("greatest bf16", 0x1.fep127f, -0x1.fep127f, 1),
            new Values("all limits", Float.MIN_VALUE, -Float.MAX_VALUE, 0, 1, 65504, -0f, 0x1p-24f, Float.MAX_VALUE),
            new Values("constant", 0.3f),
            new Values("negative constant", -3),
            new Values("zeros", 0, -0f),
            new Values("one outlier", 1e-30f, 1e-30f, -1e-30f, 1e30f));

    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (Observer observer : Observers.all()) {
            for (NumberFormat format : NumberFormat.values()) {
                if (scheme(format, Strategy.TENSOR, true, observer, ScaleDtype.FLOAT32) == null) {
                    continue; // entropy is for integers
                }
                for (Dtype dtype : Dtype.values()) {
                    cases.add(Arguments.of(observer, format, dtype));
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void scalesAreUsableOrTheErrorSaysWhyThereAreNone(Observer observer, NumberFormat format, Dtype dtype) {
        int tried = 0;
        for (Strategy strategy : Strategy.values()) {
            for (boolean symmetric : new boolean[] {true, false}) {
                for (ScaleDtype scaleDtype : ScaleDtype.values()) {
                    QuantizationScheme scheme = scheme(format, strategy, symmetric, observer, scaleDtype);
                    if (scheme == null) {
                        continue;
                    }
                    for (Values values : SETS) {
                        tried++;
                        check(scheme, dtype, values);
                    }
                }
            }
        }
        assertThat(tried).isPositive();
    }

    private static @Nullable QuantizationScheme scheme(
            NumberFormat format, Strategy strategy, boolean symmetric, Observer observer, ScaleDtype scaleDtype) {
        int group = strategy == Strategy.GROUP || strategy == Strategy.TENSOR_GROUP ? 16 : 0;
        try {
            observer.check(format, strategy);
            return new QuantizationScheme(format, strategy, group, symmetric, observer, scaleDtype);
        } catch (InvalidSchemeException e) {
            return null;
        }
    }

    private static void check(QuantizationScheme scheme, Dtype dtype, Values values) {
        String what = scheme + " on " + values + " as " + dtype;
        ScaleTable table;
        try {
            table = table(scheme, dtype, values.values);
        } catch (InvalidDataException e) {
            assertThat(e.problem().what()).as(what).matches(ERRORS);
            assertThat(e.problem().remedy()).as(what).isNotBlank();
            assertThat(e.problem().what().startsWith("max - min") && scheme.symmetric())
                    .as(what)
                    .isFalse();
            return;
        }
        for (SlotScales slot : table.slots().values()) {
            for (int i = 0; i < slot.scale().length; i++) {
                float scale = slot.scale()[i];
                assertThat(scale).as(what).isPositive().isFinite();
                assertThat(slot.zeroPoint()[i])
                        .as(what)
                        .isBetween(scheme.format().min(), scheme.format().max());
                assertThat(slot.rangeMin()[i]).as(what).isFinite().isLessThanOrEqualTo(slot.rangeMax()[i]);
                assertThat(slot.rangeMax()[i]).as(what).isFinite();
            }
        }
        assertThat(table.warnings()).as(what).isEmpty();
        byte[] json = table.toJson();
        assertThat(ScaleTable.fromJson(json).toJson()).as(what).isEqualTo(json);
    }

    private static ScaleTable table(QuantizationScheme scheme, Dtype dtype, float... values) {
        Geometry geometry = new Geometry(dtype, HEADS, HEAD_DIM);
        int tokens = 2;
        int count = tokens * geometry.channels();
        ByteBuffer bytes = ByteBuffer.allocate(count * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float x = dtype.round(values[i % values.length]);
            float finite = Float.isInfinite(x) ? Math.copySign(dtype == Dtype.F16 ? 65504 : 0x1.fep127f, x) : x;
            dtype.put(bytes, i * dtype.bytes(), dtype.fromFloat(finite));
        }
        BatchPolicy policy = ScaleSet.policy(scheme, geometry);
        SlotStatistics statistics = new SlotStatistics(
                geometry, policy, StatisticsKind.HISTOGRAM.tables(), new RotaryPairs(false, HEAD_DIM));
        statistics.update(new Position(new KvSource("f", 0, "s", geometry, 1, tokens, false, null), 0), bytes.rewind());
        Map<Slot, SlotStatistics> slots = new TreeMap<>(Map.of(SLOT, statistics));
        return new ScaleSolver(SlotSchemes.of(scheme), layer -> true, LENIENT)
                .solve(new CalibrationStatistics(Corpus.EMPTY.withFile(), slots), null)
                .table();
    }
}
