package io.kvscale.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A piece of a template; lines count from 1. */
sealed interface Statement {
    record Text(String text) implements Statement {}

    record Print(Expression value, int line) implements Statement {}

    record If(Expression condition, List<Statement> then, List<Statement> otherwise, int line) implements Statement {}

    record For(
            List<String> targets,
            Expression over,
            @Nullable Expression test,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    record Set(List<String> targets, Expression value, int line) implements Statement {}

    /** @param filtered the value of the block's text, which stands under {@link #BLOCK} */
    record SetBlock(String target, Expression filtered, List<Statement> body, int line) implements Statement {
        /** No name that a template could have. */
        static final String BLOCK = "{block}";
    }

    record SetAttribute(String namespace, String name, Expression value, int line) implements Statement {}

    record Macro(String name, List<Parameter> parameters, List<Statement> body, int line) implements Statement {}

    record Parameter(String name, @Nullable Expression ifMissing) {}

    /** Statements whose assignments end with them. */
    record Scoped(List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}
}
