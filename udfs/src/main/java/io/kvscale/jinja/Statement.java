package io.kvscale.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement of a template; lines count from 1. */
sealed interface Statement {
    /** A variable for the text of a block; not a name that a template can use. */
    String BLOCK = "{block}";

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

    /** @param filtered reads the block's text as the variable {@link #BLOCK} */
    record SetBlock(String target, Expression filtered, List<Statement> body, int line) implements Statement {}

    record SetAttribute(String namespace, String name, Expression value, int line) implements Statement {}

    /** @param implied the names of {@link #IMPLIED} that its body reads and that are not parameters */
    record Macro(String name, List<Parameter> parameters, java.util.Set<String> implied, List<Statement> body, int line)
            implements Statement {
        /** Variables of every macro: the call block, and arguments without a parameter. */
        static final java.util.Set<String> IMPLIED = java.util.Set.of("caller", "kwargs", "varargs");
    }

    /** @param call passes the block, as the variable {@link #BLOCK}, in the argument {@code caller} */
    record CallBlock(Macro block, Expression call, int line) implements Statement {}

    /** @param filtered reads the block's text as the variable {@link #BLOCK} */
    record FilterBlock(Expression filtered, List<Statement> body, int line) implements Statement {}

    record Parameter(String name, @Nullable Expression ifMissing) {}

    /** A macro without a name, called in place. */
    record Generation(Macro block) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}
}
