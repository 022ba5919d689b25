package io.kvscale.spark.functions;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.spark.functions.SqlFunction.Example;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The function that derives scales. */
final class ScalesSignatures {
    private static final String STATS = "kv_stats_agg(0, 'key', 'F32', 1, 2, array(%s))";

    static final List<SqlFunction> ALL = List.of(new SqlFunction(
            ScalesFunction.NAME,
            ScalesFunction.class,
            "misc_funcs",
            "_FUNC_(stats, scheme) - Returns the scales of every slot of the statistics, by layer, key before value, flat,"
                    + " row-major in shape: [1], [heads, 1, 1], [heads, 1, head_dim] or [heads, 1, head_dim / group_size]."
                    + " Fails, never gives a part, where a slot has NaN, infinities, only zeros or no value.",
            List.of(
                    "stats - statistics, as kv_stats_agg or a statistics.kvstats file gives them",
                    "scheme - a kv_cache_scheme as YAML or JSON, or FORMAT[:STRATEGY[:GROUP_SIZE]] with format "
                            + Arrays.stream(NumberFormat.values())
                                    .map(format -> format.names().get(0))
                                    .collect(Collectors.joining(", "))
                            + " and strategy tensor, attn_head, channel or group, symmetric, or nvfp4"
                            + " (nvfp4:divisor), which gives the global scale 2688/absmax, or nvfp4:multiplier, absmax/2688"),
            List.of(
                    new Example(
                            "SELECT s.layer, s.role, s.shape, s.scale FROM (SELECT explode(_FUNC_("
                                    + STATS.formatted("127.5, -255.0") + ", 'int8:channel')) AS s)",
                            "0\tkey\t[1,1,2]\t[1.0,2.0]"),
                    new Example(
                            "SELECT s.scale, s.zero_point FROM (SELECT explode(_FUNC_("
                                    + STATS.formatted("-100.0, 155.0")
                                    + ", '{num_bits: 8, type: int, symmetric: false}')) AS s)",
                            "[1.0]\t[-28.0]")),
            arguments -> {
                arguments.count(2, 2);
                return FunctionCall.of(
                        ScalesFunction.NAME,
                        ScalesFunction.class,
                        "scales",
                        ScalesFunction.TYPE,
                        arguments.binary(0, "stats"),
                        arguments.word(1, "scheme", ScalesFunction::scheme));
            }));

    private ScalesSignatures() {}
}
