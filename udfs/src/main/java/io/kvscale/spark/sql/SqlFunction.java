package io.kvscale.spark.sql;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
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
        Function<FunctionArguments, Expression> builder) {
    private static final String SINCE = "0.1.0";

    /** A query and its output: one line per row, columns separated by tabs. */
    public record Example(String sql, String result) {}

    /** The expression of a call, as Spark asks for it. */
    public Expression build(Seq<Expression> arguments) {
        if (CollectionConverters.asJava(arguments).stream().anyMatch(NamedArgumentExpression.class::isInstance)) {
            Platform.throwException(QueryCompilationErrors.namedArgumentsNotSupported(name));
        }
        return builder.apply(new FunctionArguments(name, arguments));
    }

    /** The description for {@code DESCRIBE FUNCTION EXTENDED}. */
    public ExpressionInfo info() {
        String shownArguments = arguments.stream()
                .map(argument -> "      * " + argument + "\n")
                .collect(Collectors.joining("", "\n    Arguments:\n", ""));
        String shownExamples = examples.stream()
                .map(example -> "      > " + example.sql() + ";\n       " + example.result() + "\n")
                .collect(Collectors.joining("", "\n    Examples:\n", ""));
        return new ExpressionInfo(
                implementation.getName(),
                null,
                name,
                usage,
                shownArguments,
                shownExamples,
                "",
                group,
                SINCE,
                "",
                "java_udf");
    }
}
