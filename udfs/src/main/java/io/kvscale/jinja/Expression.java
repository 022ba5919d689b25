package io.kvscale.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands in a tag and has a value. */
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

    /** Arguments as written. */
    record Given(List<Expression> positional, Map<String, Expression> named) {
        static final Given NONE = new Given(List.of(), Map.of());
    }
}
