package io.kvscale.spark.sql;

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
 * The arguments of one call, each given out under its name, cast to the one type that the function's code takes. A type
 * that does not fit fails the analysis of the query.
 */
public final class FunctionArguments {
    private static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, true);

    private final String function;
    private final Seq<Expression> given;

    FunctionArguments(String function, Seq<Expression> given) {
        this.function = function;
        this.given = given;
    }

    /** How many there are: from the least number to the most. */
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

    /** Any whole number, as BIGINT. */
    public Expression integer(int index, String name) {
        return type(index) instanceof IntegralType
                ? cast(index, DataTypes.LongType)
                : orNull(index, name, DataTypes.LongType, "INT or BIGINT");
    }

    /** Any number, as DOUBLE. */
    public Expression number(int index, String name) {
        return type(index) instanceof NumericType
                ? cast(index, DataTypes.DoubleType)
                : orNull(index, name, DataTypes.DoubleType, "DOUBLE");
    }

    public Expression text(int index, String name) {
        return type(index) instanceof StringType
                ? given.apply(index)
                : orNull(index, name, DataTypes.StringType, "STRING");
    }

    /** Text that stands for something; where the query says it outright, it is checked before anything runs. */
    public Expression word(int index, String name, BiFunction<String, String, ?> meaning) {
        Expression argument = text(index, name);
        if (argument instanceof Literal literal && literal.value() != null) {
            SparkErrors.translate(() -> meaning.apply(function, String.valueOf(literal.value())));
        }
        return argument;
    }

    /** A word that the query has to say outright, for the whole query. */
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
        return type(index) instanceof BinaryType
                ? given.apply(index)
                : orNull(index, name, DataTypes.BinaryType, "BINARY");
    }

    /** An array of any numbers, as ARRAY&lt;FLOAT&gt;. */
    public Expression floats(int index, String name) {
        return isNumbers(index) ? cast(index, FLOATS) : orNull(index, name, FLOATS, "ARRAY<FLOAT>");
    }

    /** BINARY as it is, or an array of any numbers as ARRAY&lt;FLOAT&gt;. */
    public Expression binaryOrFloats(int index, String name) {
        if (type(index) instanceof BinaryType) {
            return given.apply(index);
        }
        return isNumbers(index)
                ? cast(index, FLOATS)
                : orNull(index, name, DataTypes.BinaryType, "BINARY or ARRAY<FLOAT>");
    }

    private DataType type(int index) {
        return given.apply(index).dataType();
    }

    private boolean isNumbers(int index) {
        return type(index) instanceof ArrayType array
                && (array.elementType() instanceof NumericType || array.elementType() instanceof NullType);
    }

    private Expression orNull(int index, String name, DataType type, String wanted) {
        if (!(type(index) instanceof NullType)) {
            scala.collection.immutable.Map<String, String> parameters = SparkErrors.parameters(Map.of(
                    "sqlExpr", "\"" + function + "\"",
                    "paramIndex", "`" + name + "`",
                    "requiredType", wanted,
                    "inputSql", "\"" + given.apply(index).sql() + "\"",
                    "inputType", "\"" + type(index).sql() + "\""));
            Platform.throwException(new AnalysisException("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", parameters));
        }
        return cast(index, type);
    }

    private Expression cast(int index, DataType type) {
        Expression argument = given.apply(index);
        return argument.dataType().equals(type) ? argument : Cast$.MODULE$.apply(argument, type, true);
    }
}
