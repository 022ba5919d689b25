package io.kvscale.spark.functions;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.spark.sql.SparkErrors;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import scala.collection.immutable.Seq;

/** {@code kv_stats_union_agg(stats)}: the statistics of all rows as one. */
public final class StatisticsUnionAggregate extends StatisticsAggregate {
    static final String NAME = "kv_stats_union_agg";

    private static final String ARGUMENT = "stats";

    private static final long serialVersionUID = 1L;

    /** @param children one: statistics, BINARY */
    public StatisticsUnionAggregate(Seq<Expression> children, int mutableOffset, int inputOffset) {
        super(NAME, ARGUMENT, children, mutableOffset, inputOffset);
    }

    @Override
    StatisticsAggregate copy(Seq<Expression> newChildren, int newMutableOffset, int newInputOffset) {
        return new StatisticsUnionAggregate(newChildren, newMutableOffset, newInputOffset);
    }

    @Override
    public CalibrationStatistics update(CalibrationStatistics buffer, InternalRow row) {
        if (children().apply(0).eval(row) instanceof byte[] stats) {
            return merge(buffer, SparkErrors.translate(() -> StatisticsUnion.read(NAME, ARGUMENT, stats)));
        }
        return buffer;
    }
}
