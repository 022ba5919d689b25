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
 * A SQL function: the text of {@code DESCRIBE FUNCTION EXTENDED}, and the expression of a call.
 *
 * @param implementation the class that computes it
 * @param group one of Spark's function groups
 * @param usage in the form {@code _FUNC_(a, b) - Does this.}
 * @param arguments each in the form {@code name - what it is}
 * @param builder makes the expression of a call
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

    /** A query and its output: one line per row, columns separated by tabs. */
    public record Example(String sql, String result) {}

    /** Makes the expression of a call from its typed arguments. */
    public interface Builder {
        Expression build(FunctionArguments arguments);
    }

    /** The expression of a call, as Spark asks for it. */
    public Expression build(Seq<Expression> arguments) {
        if (CollectionConverters.asJava(arguments).stream().anyMatch(NamedArgumentExpression.class::isInstance)) {
            Platform.throwException(QueryCompilationErrors.namedArgumentsNotSupported(name));
        }
        return builder.build(new FunctionArguments(name, arguments));
    }

    /** The description for {@code DESCRIBE FUNCTION EXTENDED}. */
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
