package io.kvscale.spark;

import io.kvscale.spark.functions.TensorStatisticsAggregate;
import io.kvscale.spark.source.KvTensorsScan;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.Partial$;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.ColumnarRule;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.aggregate.ObjectHashAggregateExec;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/** Puts {@link StatisticsPartialAggregateExec} in the place of Spark's partial aggregation of {@code kv_stats_agg}. */
final class StatisticsPlanRule extends ColumnarRule {
    @Override
    public Rule<SparkPlan> preColumnarTransitions() {
        return new Rule<>() {
            @Override
            public SparkPlan apply(SparkPlan plan) {
                return (SparkPlan) plan.transformUp(new AbstractPartialFunction<SparkPlan, SparkPlan>() {
                    @Override
                    public boolean isDefinedAt(SparkPlan node) {
                        return node instanceof ObjectHashAggregateExec aggregate && isPartialOfStats(aggregate);
                    }

                    @Override
                    public SparkPlan apply(SparkPlan node) {
                        return new StatisticsPartialAggregateExec(overRowsAsTheyAre((ObjectHashAggregateExec) node));
                    }
                });
            }
        };
    }

    private static boolean isPartialOfStats(ObjectHashAggregateExec aggregate) {
        List<AggregateExpression> functions = CollectionConverters.asJava(aggregate.aggregateExpressions());
        return !functions.isEmpty()
                && !aggregate.isStreaming()
                && functions.stream()
                        .allMatch(f -> f.mode() == Partial$.MODULE$
                                && !f.isDistinct()
                                && f.filter().isEmpty()
                                && f.aggregateFunction() instanceof TensorStatisticsAggregate);
    }

    /** Drops the projection that Spark puts above a source only to copy its rows into a form of its own. */
    private static ObjectHashAggregateExec overRowsAsTheyAre(ObjectHashAggregateExec aggregate) {
        boolean copied = aggregate.child() instanceof ProjectExec project
                && CollectionConverters.asJava(project.projectList()).stream().allMatch(Attribute.class::isInstance)
                && project.child() instanceof BatchScanExec scan
                && scan.scan() instanceof KvTensorsScan;
        return copied
                ? (ObjectHashAggregateExec)
                        aggregate.withNewChildren(aggregate.child().children())
                : aggregate;
    }
}
