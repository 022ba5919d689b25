package io.kvscale.spark.functions;

import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.DataTypes;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** The SQL functions that make, merge and show statistics. */
final class StatisticsSignatures {
    private static final String STATS = "stats - statistics from kv_stats_agg or from a statistics.kvstats file";
    private static final String LAYER_0 = "kv_stats_agg(0, 'key', 'F32', 1, 2, array(%s), '%s')";

    static final List<SqlFunction> ALL = List.of(
            new SqlFunction(
                    TensorStatisticsAggregate.NAME,
                    TensorStatisticsAggregate.class,
                    "agg_funcs",
                    "_FUNC_(layer, role, dtype, heads, head_dim, data [, sample [, statistics]]) - Returns"
                            + " the calibration statistics of K or V tensors, one tensor per row, as BINARY: the content of"
                            + " a statistics.kvstats file. A group may hold several layers and roles. A row with a NULL among"
                            + " the first six arguments is skipped; a group with only such rows gives NULL.",
                    List.of(
                            "layer - number of the layer, from 0",
                            "role - 'key', 'value' or 'query'; 'k', 'v' and 'q' also work",
                            "dtype - element type of data: 'F32', 'BF16' or 'F16'",
                            "heads - number of KV heads",
                            "head_dim - number of values of a head",
                            "data - the tensor of one sample, [heads, tokens, head_dim], row-major: little-endian BINARY, or"
                                    + " ARRAY<FLOAT> if dtype is F32",
                            "sample - optional: name of the sample, for errors, min_sample and max_sample; NULL for none",
                            "statistics - optional, a constant: 'range' (default), or 'histogram' for a histogram per head too"),
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
                    "_FUNC_(stats) - Returns the merged statistics of all rows as BINARY, the bytes that one pass over"
                            + " all their data gives. NULLs are skipped; a group with only NULLs gives NULL.",
                    List.of(STATS),
                    List.of(new Example(
                            "SELECT kv_stats_info(_FUNC_(stats)).slots[0].max FROM (SELECT "
                                    + LAYER_0.formatted("1.0, -2.5", "a") + " AS stats UNION ALL SELECT "
                                    + LAYER_0.formatted("3.0, 0.5", "b") + ")",
                            "3.0")),
                    arguments -> new StatisticsUnionAggregate(
                            seq(List.of(arguments.exactly(1).binary(0, "stats"))), 0, 0)),
            new SqlFunction(
                    StatisticsFunctions.UNION,
                    StatisticsFunctions.class,
                    "misc_funcs",
                    "_FUNC_(a, b) - Returns the merged statistics of two parts of a corpus as BINARY.",
                    List.of("a - statistics of one part", "b - statistics of another part"),
                    List.of(new Example(
                            "SELECT kv_stats_info(_FUNC_(" + LAYER_0.formatted("1.0, -2.5", "a") + ", "
                                    + LAYER_0.formatted("3.0, 0.5", "b") + ")).slots[0].samples",
                            "2")),
                    arguments -> arguments
                            .exactly(2)
                            .call(
                                    StatisticsFunctions.class,
                                    "union",
                                    DataTypes.BinaryType,
                                    arguments.binary(0, "a"),
                                    arguments.binary(1, "b"))),
            new SqlFunction(
                    StatisticsFunctions.INFO,
                    StatisticsFunctions.class,
                    "misc_funcs",
                    "_FUNC_(stats) - Returns the content of statistics as a struct: a fingerprint of the tensors read, the"
                            + " number of files, and the slots by layer, key before value. A slot has its shape, counts, the"
                            + " minimum and maximum with the first samples that hold them, and the minimum and maximum of"
                            + " every channel as arrays of heads * head_dim. These are NULL without finite values.",
                    List.of(STATS),
                    List.of(new Example(
                            "SELECT s.slots.role, s.slots.count, s.slots[0].channel_max FROM (SELECT _FUNC_("
                                    + LAYER_0.formatted("1.0, -2.5", "a") + ") AS s)",
                            "[\"key\"]\t[2]\t[1.0,-2.5]")),
                    arguments -> arguments
                            .exactly(1)
                            .call(
                                    StatisticsFunctions.class,
                                    "info",
                                    StatisticsFunctions.INFO_TYPE,
                                    arguments.binary(0, "stats"))));

    private StatisticsSignatures() {}

    private static Seq<Expression> seq(List<Expression> expressions) {
        return CollectionConverters.asScala(expressions).toIndexedSeq();
    }
}
