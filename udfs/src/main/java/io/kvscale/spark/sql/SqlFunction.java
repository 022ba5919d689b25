package io.kvscale.spark.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.unsafe.Platform;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * One SQL function: what {@code DESCRIBE FUNCTION EXTENDED} says of it, and how a call becomes an expression.
 *
 * @param implementation the class that does the work
 * @param group one of Spark's groups of functions
 * @param usage with {@code _FUNC_} for the name, as {@code _FUNC_(a, b) - Does this.}
 * @param arguments as {@code name - what it is}
 */
public record SqlFunction(
        String name,
        Class<?> implementation,
        String group,
        String usage,
        List<String> arguments,
        List<Example> examples,
        Builder builder) {
    private static final String SINCE = "0.1.0";

    /** A query and what it prints, one row a line, columns divided by tabs. */
    public record Example(String sql, String result) {}

    /** Makes the expression of a call from its arguments, whose types are known. */
    public interface Builder {
        Expression build(FunctionArguments arguments);
    }

    public Expression build(Seq<Expression> arguments) {
        if (CollectionConverters.asJava(arguments).stream().anyMatch(NamedArgumentExpression.class::isInstance)) {
            Platform.throwException(QueryCompilationErrors.namedArgumentsNotSupported(name));
        }
        return builder.build(new FunctionArguments(name, arguments));
    }

    public ExpressionInfo info() {
        StringBuilder shownArguments = new StringBuilder("\n    Arguments:\n");
        arguments.forEach(
                argument -> shownArguments.append("      * ").append(argument).append('\n'));
        StringBuilder shownExamples = new StringBuilder("\n    Examples:\n");
        examples.forEach(example -> shownExamples
                .append("      > ")
                .append(example.sql())
                .append(";\n       ")
                .append(example.result())
                .append('\n'));
        return new ExpressionInfo(
                implementation.getName(),
                null,
                name,
                usage,
                shownArguments.toString(),
                shownExamples.toString(),
                "",
                group,
                SINCE,
                "",
                "java_udf");
    }
}
