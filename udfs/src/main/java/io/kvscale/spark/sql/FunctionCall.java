package io.kvscale.spark.sql;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.DataType;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A call of a public static Java method that shows the name of the SQL function. It delegates to Spark's
 * {@link StaticInvoke}, which alone would name columns after the method. The result is null if an argument is null.
 */
public final class FunctionCall extends Expression implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String name;
    private final Class<?> owner;
    private final String method;
    private final DataType type;
    private final Seq<Expression> arguments;
    private transient @Nullable StaticInvoke invoke;

    /** Spark copies expressions through this constructor; its parameters are the elements of {@link #productElement}. */
    public FunctionCall(String name, Class<?> owner, String method, DataType type, Seq<Expression> arguments) {
        this.name = name;
        this.owner = owner;
        this.method = method;
        this.type = type;
        this.arguments = arguments;
    }

    private StaticInvoke invoke() {
        StaticInvoke made = invoke;
        if (made == null) {
            Seq<AbstractDataType> withoutCasts =
                    CollectionConverters.asScala(List.<AbstractDataType>of()).toList();
            made = new StaticInvoke(owner, type, method, arguments, withoutCasts, true, true, true, Option.empty());
            invoke = made;
        }
        return made;
    }

    @Override
    public @Nullable Object eval(InternalRow input) {
        return invoke().eval(input);
    }

    @Override
    public ExprCode doGenCode(CodegenContext context, ExprCode code) {
        return invoke().doGenCode(context, code);
    }

    @Override
    public DataType dataType() {
        return type;
    }

    @Override
    public boolean nullable() {
        return true;
    }

    @Override
    public boolean foldable() {
        return invoke().foldable();
    }

    /** StaticInvoke stores its arguments during evaluation, so an instance must not be shared by threads. */
    @Override
    public boolean stateful() {
        return true;
    }

    @Override
    public String prettyName() {
        return name;
    }

    @Override
    public Seq<Expression> children() {
        return arguments;
    }

    @Override
    public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
        return new FunctionCall(name, owner, method, type, children);
    }

    @Override
    public int productArity() {
        return 5;
    }

    @Override
    public Object productElement(int index) {
        return switch (index) {
            case 0 -> name;
            case 1 -> owner;
            case 2 -> method;
            case 3 -> type;
            case 4 -> arguments;
            default -> throw new IndexOutOfBoundsException(index);
        };
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof FunctionCall;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FunctionCall call
                && name.equals(call.name)
                && owner.equals(call.owner)
                && method.equals(call.method)
                && type.equals(call.type)
                && arguments.equals(call.arguments);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, method, arguments);
    }

    @Override
    public String toString() {
        return name + arguments.mkString("(", ", ", ")");
    }
}
