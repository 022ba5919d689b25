package io.kvscale.spark.functions;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.spark.error.Raised;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import scala.collection.immutable.Seq;

/** {@code kv_stats_union_agg(stats)}: the statistics of all rows as one. */
public final class StatsUnionAggregate extends StatisticsAggregate {
    static final String NAME = "kv_stats_union_agg";

    private static final String ARGUMENT = "stats";

    private static final long serialVersionUID = 1L;

    /** @param children one: statistics, BINARY */
    public StatsUnionAggregate(Seq<Expression> children, int mutableOffset, int inputOffset) {
        super(NAME, ARGUMENT, children, mutableOffset, inputOffset);
    }

    @Override
    StatisticsAggregate copy(Seq<Expression> newChildren, int newMutableOffset, int newInputOffset) {
        return new StatsUnionAggregate(newChildren, newMutableOffset, newInputOffset);
    }

    @Override
    public CalibrationStatistics update(CalibrationStatistics buffer, InternalRow row) {
        if (children().apply(0).eval(row) instanceof byte[] stats) {
            return merge(buffer, Raised.from(() -> StatisticsUnion.read(NAME, ARGUMENT, stats)));
        }
        return buffer;
    }
}
