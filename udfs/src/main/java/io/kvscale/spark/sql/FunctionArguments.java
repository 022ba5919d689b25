package io.kvscale.spark.sql;

import java.util.Arrays;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.unsafe.Platform;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The arguments of one call. Each method returns an argument cast to the type that the function takes. An argument of
 * another type fails the analysis of the query with an error that shows the given name.
 */
public final class FunctionArguments {
    private static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, true);

    private final String function;
    private final Seq<Expression> given;

    FunctionArguments(String function, Seq<Expression> given) {
        this.function = function;
        this.given = given;
    }

    /** The number of arguments; an analysis error unless it is within {@code [least, most]}. */
    public int count(int least, int most) {
        int count = given.size();
        if (count < least || count > most) {
            Seq<Object> valid = CollectionConverters.asScala(IntStream.rangeClosed(least, most)
                            .<Object>mapToObj(i -> i)
                            .toList())
                    .toList();
            Platform.throwException(QueryCompilationErrors.wrongNumArgsError(function, valid, count, "", "", ""));
        }
        return count;
    }

    /** These arguments; an analysis error if their number differs. */
    public FunctionArguments exactly(int number) {
        count(number, number);
        return this;
    }

    /** A call of a public static method of a class with arguments of this call. */
    public Expression call(Class<?> owner, String method, DataType type, Expression... arguments) {
        Seq<Expression> all =
                CollectionConverters.asScala(Arrays.asList(arguments)).toIndexedSeq();
        return new FunctionCall(function, owner, method, type, all);
    }

    /** Any whole number, as BIGINT. */
    public Expression integer(int index, String name) {
        return cast(index, name, type(index) instanceof IntegralType, DataTypes.LongType, "INT or BIGINT");
    }

    /** Any number, as DOUBLE. */
    public Expression number(int index, String name) {
        return cast(index, name, type(index) instanceof NumericType, DataTypes.DoubleType, "DOUBLE");
    }

    public Expression text(int index, String name) {
        return type(index) instanceof StringType // of any collation
                ? given.apply(index)
                : cast(index, name, false, DataTypes.StringType, "STRING");
    }

    /** A STRING with a fixed set of values. A literal is checked by {@code meaning} before the query runs. */
    public Expression word(int index, String name, BiFunction<String, String, ?> meaning) {
        Expression argument = text(index, name);
        if (argument instanceof Literal literal && literal.value() != null) {
            SparkErrors.translate(() -> meaning.apply(function, String.valueOf(literal.value())));
        }
        return argument;
    }

    /** A {@link #word} that must be a constant of the query. */
    public Expression constantWord(int index, String name, BiFunction<String, String, ?> meaning) {
        Expression argument = word(index, name, meaning);
        if (!argument.foldable()) {
            Platform.throwException(new AnalysisException(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    SparkErrors.parameters(Map.of(
                            "sqlExpr", "\"" + function + "\"",
                            "inputName", "`" + name + "`",
                            "inputType", "\"" + argument.dataType().sql() + "\"",
                            "inputExpr", "\"" + argument.sql() + "\""))));
        }
        return argument;
    }

    public Expression binary(int index, String name) {
        return cast(index, name, type(index) instanceof BinaryType, DataTypes.BinaryType, "BINARY");
    }

    /** An array of any numbers, as ARRAY&lt;FLOAT&gt;. */
    public Expression floats(int index, String name) {
        return cast(index, name, isNumbers(index), FLOATS, "ARRAY<FLOAT>");
    }

    /** BINARY, or an array of any numbers as ARRAY&lt;FLOAT&gt;. */
    public Expression binaryOrFloats(int index, String name) {
        return isNumbers(index)
                ? floats(index, name)
                : cast(index, name, type(index) instanceof BinaryType, DataTypes.BinaryType, "BINARY or ARRAY<FLOAT>");
    }

    private DataType type(int index) {
        return given.apply(index).dataType();
    }

    private boolean isNumbers(int index) {
        return type(index) instanceof ArrayType array
                && (array.elementType() instanceof NumericType || array.elementType() instanceof NullType);
    }

    /** The argument as {@code type}; an analysis error unless it is valid or NULL. */
    private Expression cast(int index, String name, boolean valid, DataType type, String wanted) {
        if (!valid && !(type(index) instanceof NullType)) {
            scala.collection.immutable.Map<String, String> parameters = SparkErrors.parameters(Map.of(
                    "sqlExpr", "\"" + function + "\"",
                    "paramIndex", "`" + name + "`",
                    "requiredType", wanted,
                    "inputSql", "\"" + given.apply(index).sql() + "\"",
                    "inputType", "\"" + type(index).sql() + "\""));
            Platform.throwException(new AnalysisException("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", parameters));
        }
        Expression argument = given.apply(index);
        return argument.dataType().equals(type) ? argument : Cast$.MODULE$.apply(argument, type, true);
    }
}
