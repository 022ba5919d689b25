package io.kvscale.spark;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.spark.functions.TensorStatisticsAggregate;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.JoinedRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.catalyst.expressions.UnsafeRow;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The partial states of one task: the groups of its rows, each with the serialized state of every function.
 *
 * @param keys what rows are grouped by, bound to their columns
 * @param functions likewise
 * @param given counts the rows that come out
 */
record PartialStates(ArrayList<Expression> keys, ArrayList<TensorStatisticsAggregate> functions, SQLMetric given)
        implements Serializable {
    /** As many groups are held at most, some 20 KB each; then they are handed on, to be merged behind the shuffle. */
    private static final int MAX_GROUPS = 1024;

    Iterator<InternalRow> of(Iterator<InternalRow> rows) {
        return new Iterator<>() {
            private final UnsafeProjection key =
                    UnsafeProjection.create(CollectionConverters.asScala((java.util.List<Expression>) keys)
                            .toSeq());
            private final UnsafeProjection result = UnsafeProjection.create(types());
            private final JoinedRow joined = new JoinedRow();
            private Iterator<Map.Entry<UnsafeRow, CalibrationStatistics[]>> ready =
                    keys.isEmpty() && !rows.hasNext() ? nothingSeen() : Collections.emptyIterator();

            /** Without keys there is one group, even of no rows. */
            private Iterator<Map.Entry<UnsafeRow, CalibrationStatistics[]>> nothingSeen() {
                return Map.of(key.apply(InternalRow.empty()).copy(), states())
                        .entrySet()
                        .iterator();
            }

            @Override
            public boolean hasNext() {
                if (!ready.hasNext() && rows.hasNext()) {
                    ready = groups();
                }
                return ready.hasNext();
            }

            private Iterator<Map.Entry<UnsafeRow, CalibrationStatistics[]>> groups() {
                Map<UnsafeRow, CalibrationStatistics[]> groups = new LinkedHashMap<>();
                while (rows.hasNext() && groups.size() < MAX_GROUPS) {
                    InternalRow row = rows.next();
                    UnsafeRow group = key.apply(row);
                    CalibrationStatistics[] states = groups.get(group);
                    if (states == null) {
                        states = states();
                        groups.put(group.copy(), states);
                    }
                    for (int i = 0; i < states.length; i++) {
                        states[i] = functions.get(i).update(states[i], row);
                    }
                }
                return groups.entrySet().iterator();
            }

            private CalibrationStatistics[] states() {
                return functions.stream()
                        .map(TensorStatisticsAggregate::createAggregationBuffer)
                        .toArray(CalibrationStatistics[]::new);
            }

            @Override
            public InternalRow next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Map.Entry<UnsafeRow, CalibrationStatistics[]> group = ready.next();
                @Nullable Object[] states = new @Nullable Object[functions.size()];
                for (int i = 0; i < states.length; i++) {
                    states[i] = functions.get(i).serialize(group.getValue()[i]);
                }
                given.add(1);
                return result.apply(joined.apply(group.getKey(), new GenericInternalRow(states)));
            }
        };
    }

    private DataType[] types() {
        return Stream.concat(
                        keys.stream().map(Expression::dataType),
                        functions.stream().map(f -> DataTypes.BinaryType))
                .toArray(DataType[]::new);
    }
}
