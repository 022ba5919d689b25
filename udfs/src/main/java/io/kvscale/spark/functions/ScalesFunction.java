package io.kvscale.spark.functions;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.Remedies;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeText;
import io.kvscale.spark.sql.SparkErrors;
import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.unsafe.types.UTF8String;

/** {@code kv_scales(stats, scheme)}; generated code calls {@link #scales}. */
public final class ScalesFunction {
    static final String NAME = "kv_scales";

    static final DataType TYPE = DataType.fromDDL("array<struct<layer: int, role: string, shape: array<int>,"
            + " scale: array<float>, zero_point: array<float>>>");

    private static final String STATS_OF = "kv_stats_agg(0, 'key', 'F32', 1, 2, array(%s))";

    static final SqlFunction SIGNATURE = new SqlFunction(
            NAME,
            ScalesFunction.class,
            "misc_funcs",
            "_FUNC_(stats, scheme) - Returns the scales of every slot as an array of structs, by layer, key before value."
                    + " scale and zero_point are flat, row-major in shape: [1], [heads, 1, 1], [heads, 1, head_dim] or"
                    + " [heads, 1, head_dim / group_size]. Fails if a slot has NaN, infinities, only zeros or no value.",
            List.of(
                    "stats - statistics from kv_stats_agg or from a statistics.kvstats file",
                    "scheme - a kv_cache_scheme as YAML or JSON, or FORMAT[:STRATEGY[:GROUP_SIZE]], which is symmetric;"
                            + " FORMAT is one of "
                            + Arrays.stream(NumberFormat.values())
                                    .map(format -> format.names().get(0))
                                    .collect(Collectors.joining(", "))
                            + ", STRATEGY is tensor, attn_head, channel or group;"
                            + " or nvfp4 (the first of these), "
                            + SchemeText.nvfp4Names()),
            List.of(
                    new Example(
                            "SELECT s.layer, s.role, s.shape, s.scale FROM (SELECT explode(_FUNC_("
                                    + STATS_OF.formatted("127.5, -255.0") + ", 'int8:channel')) AS s)",
                            "0\tkey\t[1,1,2]\t[1.0,2.0]"),
                    new Example(
                            "SELECT s.scale, s.zero_point FROM (SELECT explode(_FUNC_("
                                    + STATS_OF.formatted("-100.0, 155.0")
                                    + ", '{num_bits: 8, type: int, symmetric: false}')) AS s)",
                            "[1.0]\t[-28.0]")),
            arguments -> arguments
                    .exactly(2)
                    .call(
                            ScalesFunction.class,
                            "scales",
                            TYPE,
                            arguments.binary(0, "stats"),
                            arguments.word(1, "scheme", ScalesFunction::scheme)));

    private static final Remedies REMEDIES = new Remedies(
            "find out why the model produced them, or leave those samples out before kv_stats_agg",
            "check how K and V were captured, or leave this slot out before kv_stats_agg",
            "aggregate all data again: these statistics cover only a part of the corpus",
            "take observer static_minmax, which clips no values, or mse");

    private ScalesFunction() {}

    /**
     * The scales of every slot, by layer, key before value, as a value of {@link #TYPE}.
     *
     * @throws org.apache.spark.SparkRuntimeException if the scheme is invalid or a slot cannot have scales
     */
    public static ArrayData scales(byte[] stats, UTF8String scheme) {
        return SparkErrors.translate(() -> solved(stats, scheme.toString()));
    }

    private static ArrayData solved(byte[] stats, String text) {
        QuantizationScheme scheme = scheme(NAME, text);
        CalibrationStatistics statistics = StatisticsUnion.read(NAME, "stats", stats);
        List<InternalRow> rows = new ArrayList<>();
        statistics.slots().forEach((slot, seen) -> {
            try {
                rows.add(row(slot, ScaleSolver.solve(slot, seen, scheme, REMEDIES)));
            } catch (InvalidDataException e) {
                DataProblem p = e.problem();
                String what = NAME + ": argument stats, under scheme " + Given.shown(text) + ": " + p.what();
                throw new InvalidDataException(
                        new DataProblem(what, p.remedy(), p.sample(), p.slot(), p.file(), p.tensor()), e);
            }
        });
        return new GenericArrayData(rows.toArray());
    }

    static QuantizationScheme scheme(String function, String text) {
        return SqlValues.parse(function, "scheme", text, SchemeText::parse);
    }

    private static InternalRow row(Slot slot, ScaleSet set) {
        int[] shape =
                set.scheme().strategy().scaleShape(set.geometry(), set.scheme().groupSize());
        return new GenericInternalRow(new Object[] {
            slot.layer(),
            UTF8String.fromString(slot.role().word()),
            new GenericArrayData(shape),
            new GenericArrayData(set.scales()),
            new GenericArrayData(set.zeroPoints())
        });
    }
}
