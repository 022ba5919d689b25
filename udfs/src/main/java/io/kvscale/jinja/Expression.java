package io.kvscale.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An expression in a tag. */
sealed interface Expression {
    record Literal(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    record ListOf(List<Expression> items) implements Expression {}

    record TupleOf(List<Expression> items) implements Expression {}

    record DictOf(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

    record Attribute(Expression of, String name) implements Expression {}

    record Item(Expression of, Expression key) implements Expression {}

    record Slice(
            Expression of,
            @Nullable Expression start,
            @Nullable Expression stop,
            @Nullable Expression step) implements Expression {}

    record Call(Expression function, Given given) implements Expression {}

    record Filter(Expression of, String name, Given given) implements Expression {}

    record Test(Expression of, String name, Given given) implements Expression {}

    record Not(Expression of) implements Expression {}

    record Signed(Expression of, boolean negative) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    record Conditional(
            Expression condition, Expression then, @Nullable Expression otherwise) implements Expression {}

    /** A chain such as {@code a < b <= c}. */
    record Compare(Expression first, List<Map.Entry<String, Expression>> others) implements Expression {}

    record Arithmetic(String operator, Expression left, Expression right) implements Expression {}

    record Concatenation(List<Expression> parts) implements Expression {}

    /**
     * The arguments of a call in the source.
     *
     * @param sequence the expression after {@code *}: more positional arguments
     * @param mapping the expression after {@code **}: more named arguments
     */
    record Given(
            List<Expression> positional,
            Map<String, Expression> named,
            @Nullable Expression sequence,
            @Nullable Expression mapping) {
        static final Given NONE = of(List.of());

        static Given of(List<Expression> positional) {
            return new Given(positional, Map.of(), null, null);
        }

        /** These arguments and one more named argument. */
        Given with(String name, Expression value, int line) {
            Map<String, Expression> more = new LinkedHashMap<>(named);
            if (more.put(name, value) != null) {
                throw new TemplateException("the argument '" + name + "' is given twice").at(line);
            }
            return new Given(positional, more, sequence, mapping);
        }
    }
}
