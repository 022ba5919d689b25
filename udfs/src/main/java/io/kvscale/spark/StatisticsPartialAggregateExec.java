package io.kvscale.spark;

import io.kvscale.spark.functions.TensorStatisticsAggregate;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BindReferences;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.aggregate.ObjectHashAggregateExec;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The partial step of {@code kv_stats_agg}: the same groups and states as Spark's own operator, of which it takes the
 * place.
 *
 * <p>It takes rows of any kind, so that the rows of {@code kvtensors} need not be copied to be read, and it never sorts
 * its input: Spark's operator does from the 128th group on, and a model of 65 layers has more.
 */
public final class StatisticsPartialAggregateExec extends SparkPlan {
    private static final long serialVersionUID = 1L;

    private final ObjectHashAggregateExec aggregate;

    /** @param aggregate in partial mode, of {@link TensorStatisticsAggregate}s only */
    public StatisticsPartialAggregateExec(ObjectHashAggregateExec aggregate) {
        this.aggregate = aggregate;
    }

    @Override
    public RDD<InternalRow> doExecute() {
        // The columns of the child come first in it; its type has no name in Java.
        var input = aggregate.allAttributes();
        List<Expression> keys = new ArrayList<>();
        CollectionConverters.asJava(aggregate.groupingExpressions())
                .forEach(key -> keys.add(BindReferences.bindReference((Expression) key, input, false)));
        List<TensorStatisticsAggregate> functions = new ArrayList<>();
        CollectionConverters.asJava(aggregate.aggregateExpressions())
                .forEach(one -> functions.add((TensorStatisticsAggregate)
                        BindReferences.bindReference((Expression) one.aggregateFunction(), input, false)));
        SQLMetric rows = aggregate.longMetric("numOutputRows");
        PartialStates states = new PartialStates(new ArrayList<>(keys), new ArrayList<>(functions), rows);
        return aggregate.child().execute().toJavaRDD().mapPartitions(states::of).rdd();
    }

    @Override
    public Seq<Attribute> output() {
        return aggregate.output();
    }

    @Override
    public Partitioning outputPartitioning() {
        return aggregate.outputPartitioning();
    }

    @Override
    public Map<String, SQLMetric> metrics() {
        return aggregate.metrics();
    }

    @Override
    public Seq<SparkPlan> children() {
        return aggregate.children();
    }

    @Override
    public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
        return new StatisticsPartialAggregateExec((ObjectHashAggregateExec) aggregate.withNewChildren(children));
    }

    /** Whoever looks for equal plans finds Spark's own operator: the results are the same. */
    @Override
    public SparkPlan doCanonicalize() {
        return (SparkPlan) aggregate.canonicalized();
    }

    @Override
    public String nodeName() {
        return "StatisticsPartialAggregate";
    }

    @Override
    public String simpleString(int maxFields) {
        return aggregate.simpleString(maxFields).replace("ObjectHashAggregate", nodeName());
    }

    @Override
    public int productArity() {
        return 1;
    }

    @Override
    public Object productElement(int index) {
        return aggregate;
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof StatisticsPartialAggregateExec;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof StatisticsPartialAggregateExec exec && exec.aggregate.equals(aggregate);
    }

    @Override
    public int hashCode() {
        return aggregate.hashCode();
    }
}
