package io.kvscale.spark.functions;

import io.kvscale.spark.sql.FunctionCall;
import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.DataTypes;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** The functions that make, join and show statistics. */
final class StatisticsSignatures {
    private static final String STATS = "stats - statistics, as kv_stats_agg or a statistics.kvstats file gives them";
    private static final String LAYER_0 = "kv_stats_agg(0, 'key', 'F32', 1, 2, array(%s), '%s')";

    static final List<SqlFunction> ALL = List.of(
            new SqlFunction(
                    TensorStatisticsAggregate.NAME,
                    TensorStatisticsAggregate.class,
                    "agg_funcs",
                    "_FUNC_(layer, role, dtype, heads, head_dim, data [, sample [, statistics]]) - Returns the calibration statistics of K"
                            + " or V tensors, one a row, as BINARY: the bytes of a statistics.kvstats file. Any number of"
                            + " layers and roles may share a group. A row with a null among the first six arguments is"
                            + " skipped; a group without any other row gives NULL.",
                    List.of(
                            "layer - the layer's number, from 0",
                            "role - 'key' or 'value'; also 'k', 'v'",
                            "dtype - the type of data: 'F32', 'BF16' or 'F16'",
                            "heads - KV heads of the tensor",
                            "head_dim - values of a head",
                            "data - one sample's tensor: BINARY, row-major [heads, tokens, head_dim], little endian; or,"
                                    + " of F32, ARRAY<FLOAT>",
                            "sample - optional: the sample's name, which errors and min_sample, max_sample then give; NULL for none",
                            "statistics - optional, a constant: 'range', the default, or 'histogram', which counts the values of every head too"),
                    List.of(
                            new Example(
                                    "SELECT s.slots[0].tokens, s.slots[0].min, s.slots[0].max_sample FROM (SELECT"
                                            + " kv_stats_info(_FUNC_(0, 'key', dtype, 1, 2, data, name)) AS s FROM VALUES"
                                            + " ('F32', array(1.0, -2.5), 'a'), ('F32', array(3.0, 0.5), 'b') AS"
                                            + " t(dtype, data, name))",
                                    "2\t-2.5\tb"),
                            new Example(
                                    "SELECT kv_scales(_FUNC_(0, 'value', 'BF16', 1, 2, X'ff42803f'), 'int8')[0].scale[0]",
                                    "1.0")),
                    arguments -> {
                        int count = arguments.count(6, 8);
                        List<Expression> children = new ArrayList<>(List.of(
                                arguments.integer(0, "layer"),
                                arguments.word(1, "role", SqlValues::role),
                                arguments.word(2, "dtype", SqlValues::dtype),
                                arguments.integer(3, "heads"),
                                arguments.integer(4, "head_dim"),
                                arguments.binaryOrFloats(5, "data")));
                        if (count > 6) {
                            children.add(arguments.text(6, "sample"));
                        }
                        if (count > 7) {
                            children.add(arguments.constantWord(7, "statistics", SqlValues::statistics));
                        }
                        return new TensorStatisticsAggregate(seq(children), 0, 0);
                    }),
            new SqlFunction(
                    StatisticsUnionAggregate.NAME,
                    StatisticsUnionAggregate.class,
                    "agg_funcs",
                    "_FUNC_(stats) - Returns the statistics of all rows as one, as BINARY: what one pass over all of"
                            + " their data would give. Nulls are skipped; nothing at all gives NULL.",
                    List.of(STATS),
                    List.of(new Example(
                            "SELECT kv_stats_info(_FUNC_(stats)).slots[0].max FROM (SELECT "
                                    + LAYER_0.formatted("1.0, -2.5", "a") + " AS stats UNION ALL SELECT "
                                    + LAYER_0.formatted("3.0, 0.5", "b") + ")",
                            "3.0")),
                    arguments -> {
                        arguments.count(1, 1);
                        return new StatisticsUnionAggregate(seq(List.of(arguments.binary(0, "stats"))), 0, 0);
                    }),
            new SqlFunction(
                    StatisticsFunctions.UNION,
                    StatisticsFunctions.class,
                    "misc_funcs",
                    "_FUNC_(a, b) - Returns the statistics of two parts of a corpus as one, as BINARY.",
                    List.of("a - statistics of one part", "b - statistics of another part"),
                    List.of(new Example(
                            "SELECT kv_stats_info(_FUNC_(" + LAYER_0.formatted("1.0, -2.5", "a") + ", "
                                    + LAYER_0.formatted("3.0, 0.5", "b") + ")).slots[0].samples",
                            "2")),
                    arguments -> {
                        arguments.count(2, 2);
                        return FunctionCall.of(
                                StatisticsFunctions.UNION,
                                StatisticsFunctions.class,
                                "union",
                                DataTypes.BinaryType,
                                arguments.binary(0, "a"),
                                arguments.binary(1, "b"));
                    }),
            new SqlFunction(
                    StatisticsFunctions.INFO,
                    StatisticsFunctions.class,
                    "misc_funcs",
                    "_FUNC_(stats) - Returns what statistics hold: a fingerprint of the tensors read, the number of files,"
                            + " and for each slot, by layer, key before value, its shape, counts, extremes with the first"
                            + " sample that has them, and the extremes of every channel, flat [heads * head_dim]. Extremes"
                            + " are null where no finite value was seen.",
                    List.of(STATS),
                    List.of(new Example(
                            "SELECT s.slots.role, s.slots.count, s.slots[0].channel_max FROM (SELECT _FUNC_("
                                    + LAYER_0.formatted("1.0, -2.5", "a") + ") AS s)",
                            "[\"key\"]\t[2]\t[1.0,-2.5]")),
                    arguments -> {
                        arguments.count(1, 1);
                        return FunctionCall.of(
                                StatisticsFunctions.INFO,
                                StatisticsFunctions.class,
                                "info",
                                StatisticsFunctions.INFO_TYPE,
                                arguments.binary(0, "stats"));
                    }));

    private StatisticsSignatures() {}

    private static Seq<Expression> seq(List<Expression> expressions) {
        return CollectionConverters.asScala(expressions).toIndexedSeq();
    }
}
