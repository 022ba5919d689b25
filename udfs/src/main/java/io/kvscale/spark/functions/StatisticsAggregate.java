package io.kvscale.spark.functions;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.spark.sql.SparkErrors;
import java.io.Serializable;
import java.util.Objects;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.aggregate.ImperativeAggregate;
import org.apache.spark.sql.catalyst.expressions.aggregate.TypedImperativeAggregate;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * An aggregate whose state is {@link CalibrationStatistics}, one of several slots if need be. The state travels between
 * tasks as the bytes of the statistics file, which are the result as well; a group in which nothing was seen gives null,
 * as with Spark's {@code max}.
 */
public abstract class StatisticsAggregate extends TypedImperativeAggregate<CalibrationStatistics>
        implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String name;
    private final String argument;
    private final Seq<Expression> children;
    private final int mutableOffset;
    private final int inputOffset;

    /** @param argument what says how the tensors of a slot are made, for messages */
    StatisticsAggregate(String name, String argument, Seq<Expression> children, int mutableOffset, int inputOffset) {
        this.name = name;
        this.argument = argument;
        this.children = children;
        this.mutableOffset = mutableOffset;
        this.inputOffset = inputOffset;
    }

    /** The same aggregate over other arguments, or with its state elsewhere. */
    abstract StatisticsAggregate copy(Seq<Expression> newChildren, int newMutableOffset, int newInputOffset);

    @Override
    public CalibrationStatistics createAggregationBuffer() {
        return new CalibrationStatistics();
    }

    @Override
    public CalibrationStatistics merge(CalibrationStatistics buffer, CalibrationStatistics input) {
        return SparkErrors.translate(() -> {
            StatisticsUnion.merge(name, argument, buffer, input);
            return buffer;
        });
    }

    @Override
    public byte @Nullable [] eval(CalibrationStatistics buffer) {
        return buffer.isEmpty() ? null : serialize(buffer);
    }

    @Override
    public byte[] serialize(CalibrationStatistics buffer) {
        // Mostly the last that is done with it: what it counted in is for the groups to come.
        buffer.pack();
        return buffer.toByteArray();
    }

    @Override
    public CalibrationStatistics deserialize(byte[] bytes) {
        return CalibrationStatistics.fromByteArray(bytes);
    }

    @Override
    public DataType dataType() {
        return DataTypes.BinaryType;
    }

    @Override
    public boolean nullable() {
        return true;
    }

    @Override
    public String prettyName() {
        return name;
    }

    @Override
    public Seq<Expression> children() {
        return children;
    }

    @Override
    public Expression withNewChildrenInternal(IndexedSeq<Expression> newChildren) {
        return copy(newChildren, mutableOffset, inputOffset);
    }

    @Override
    public int mutableAggBufferOffset() {
        return mutableOffset;
    }

    @Override
    public ImperativeAggregate withNewMutableAggBufferOffset(int offset) {
        return copy(children, offset, inputOffset);
    }

    @Override
    public int inputAggBufferOffset() {
        return inputOffset;
    }

    @Override
    public ImperativeAggregate withNewInputAggBufferOffset(int offset) {
        return copy(children, mutableOffset, offset);
    }

    /** Children and offsets: Spark copies expressions by a constructor with these parameters. */
    @Override
    public int productArity() {
        return 3;
    }

    @Override
    public Object productElement(int index) {
        return switch (index) {
            case 0 -> children;
            case 1 -> mutableOffset;
            case 2 -> inputOffset;
            default -> throw new IndexOutOfBoundsException(index);
        };
    }

    @Override
    public boolean canEqual(Object other) {
        return getClass().isInstance(other);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other != null
                && getClass() == other.getClass()
                && other instanceof StatisticsAggregate aggregate
                && children.equals(aggregate.children)
                && mutableOffset == aggregate.mutableOffset
                && inputOffset == aggregate.inputOffset;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, children, mutableOffset, inputOffset);
    }
}
