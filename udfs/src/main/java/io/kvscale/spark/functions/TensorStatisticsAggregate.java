package io.kvscale.spark.functions;

import io.kvscale.capture.TensorValues;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.spark.sql.SparkErrors;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.Objects;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.BoundReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.Seq;

/**
 * {@code kv_stats_agg(layer, role, dtype, heads, head_dim, data [, sample [, statistics]])}: the statistics of K or V tensors, one a row.
 *
 * <p>A row that is {@link TensorValues} is read chunk by chunk instead of as one array; the result is the same.
 */
public final class TensorStatisticsAggregate extends StatisticsAggregate {
    static final String NAME = "kv_stats_agg";

    /** The arguments that must be the same for all rows of a slot. */
    static final String GEOMETRY = "dtype, heads or head_dim";

    private static final long serialVersionUID = 1L;

    private static final int LAYER = 0;
    private static final int ROLE = 1;
    private static final int DTYPE = 2;
    private static final int HEADS = 3;
    private static final int HEAD_DIM = 4;
    private static final int DATA = 5;
    private static final int SAMPLE = 6;
    private static final int STATISTICS = 7;

    /** Where all groups of a task count. */
    private transient @Nullable CountTables tables;

    /**
     * @param children layer BIGINT, role STRING, dtype STRING, heads BIGINT, head_dim BIGINT, data BINARY or
     *     ARRAY&lt;FLOAT&gt;; if there is a seventh, sample STRING; if an eighth, statistics STRING, a constant
     */
    public TensorStatisticsAggregate(Seq<Expression> children, int mutableOffset, int inputOffset) {
        super(NAME, GEOMETRY, children, mutableOffset, inputOffset);
    }

    @Override
    StatisticsAggregate copy(Seq<Expression> newChildren, int newMutableOffset, int newInputOffset) {
        return new TensorStatisticsAggregate(newChildren, newMutableOffset, newInputOffset);
    }

    @Override
    public CalibrationStatistics createAggregationBuffer() {
        if (children().size() > STATISTICS
                && children().apply(STATISTICS).eval(InternalRow.empty()) instanceof UTF8String word
                && tables == null) {
            tables = SparkErrors.translate(() -> SqlValues.statistics(NAME, word.toString()))
                    .tables();
        }
        return new CalibrationStatistics(tables);
    }

    /** {@inheritDoc} A row with a null before {@code sample} changes nothing. */
    @Override
    public CalibrationStatistics update(CalibrationStatistics buffer, InternalRow row) {
        Object layer = value(LAYER, row);
        Object role = value(ROLE, row);
        Object dtype = value(DTYPE, row);
        Object heads = value(HEADS, row);
        Object headDim = value(HEAD_DIM, row);
        TensorValues chunks = chunks(row);
        Object data = chunks == null ? value(DATA, row) : chunks;
        if (layer == null || role == null || dtype == null || heads == null || headDim == null || data == null) {
            return buffer;
        }
        return SparkErrors.translate(() -> {
            try {
                add(
                        buffer,
                        row,
                        slot((Long) layer, role.toString()),
                        geometry(dtype.toString(), (Long) heads, (Long) headDim),
                        data);
            } catch (InvalidDataException e) {
                throw inSampleOf(row, e);
            }
            return buffer;
        });
    }

    private InvalidDataException inSampleOf(InternalRow row, InvalidDataException e) {
        String sample = sample(row);
        return sample == null || e.problem().sample() != null
                ? e
                : new InvalidDataException(e.problem().inSample(Sample.named(sample)), e);
    }

    private void add(CalibrationStatistics buffer, InternalRow row, Slot slot, Geometry geometry, Object data) {
        AggregatedRow tensor = new AggregatedRow(slot, geometry, sample(row));
        if (!(data instanceof TensorValues chunks)) {
            tensor.addTo(buffer, bytes(data, geometry.dtype()));
        } else if (chunks.source().geometry().equals(geometry)) {
            tensor.addTo(buffer, chunks);
        } else {
            // The arguments read the row's bytes in another way.
            tensor.addTo(buffer, (byte[]) Objects.requireNonNull(value(DATA, row)));
        }
    }

    private @Nullable Object value(int child, InternalRow row) {
        return children().apply(child).eval(row);
    }

    private @Nullable String sample(InternalRow row) {
        return children().size() > SAMPLE && value(SAMPLE, row) instanceof UTF8String name ? name.toString() : null;
    }

    private static Slot slot(long layer, String role) {
        return new Slot(SqlValues.whole(NAME, "layer", layer, 0, Slot.MAX_LAYER), SqlValues.role(NAME, role));
    }

    private static Geometry geometry(String dtype, long heads, long headDim) {
        int checked = SqlValues.whole(NAME, "heads", heads, 1, Geometry.MAX_CHANNELS);
        return new Geometry(
                SqlValues.dtype(NAME, dtype),
                checked,
                SqlValues.whole(NAME, "head_dim", headDim, 1, Geometry.MAX_CHANNELS / checked));
    }

    /** The row's values where they need not be read into one array; null where they must, or are null. */
    private @Nullable TensorValues chunks(InternalRow row) {
        return row instanceof TensorValues values
                        && children().apply(DATA) instanceof BoundReference column
                        && values.isColumn(column.ordinal())
                        && !row.isNullAt(column.ordinal())
                ? values
                : null;
    }

    private static byte[] bytes(Object data, Dtype dtype) {
        if (data instanceof ArrayData floats) {
            if (dtype != Dtype.F32) {
                throw SqlValues.wrong(
                        NAME,
                        "dtype",
                        "data is ARRAY<FLOAT>, which is F32, not " + dtype,
                        "say dtype 'F32', or give" + " the " + dtype + " bytes as BINARY");
            }
            return SqlValues.bytesOfFloats(NAME, "data", floats);
        }
        return (byte[]) data;
    }
}
