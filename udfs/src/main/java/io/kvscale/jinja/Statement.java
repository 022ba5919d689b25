package io.kvscale.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A piece of a template; lines count from 1. */
sealed interface Statement {
    /** No name that a template could have. */
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

    /** @param filtered the value of the block's text, which stands under {@link #BLOCK} */
    record SetBlock(String target, Expression filtered, List<Statement> body, int line) implements Statement {}

    record SetAttribute(String namespace, String name, Expression value, int line) implements Statement {}

    /** @param implied the names among {@link #IMPLIED} that it has beside its parameters, as its body reads them */
    record Macro(String name, List<Parameter> parameters, java.util.Set<String> implied, List<Statement> body, int line)
            implements Statement {
        /** What every macro can read: the call block it is called by, and the arguments beyond its parameters. */
        static final java.util.Set<String> IMPLIED = java.util.Set.of("caller", "kwargs", "varargs");
    }

    /** @param call gets the block as the argument {@code caller}, which stands under {@link #BLOCK} */
    record CallBlock(Macro block, Expression call, int line) implements Statement {}

    /** @param filtered the value of the block's text, which stands under {@link #BLOCK} */
    record FilterBlock(Expression filtered, List<Statement> body, int line) implements Statement {}

    record Parameter(String name, @Nullable Expression ifMissing) {}

    /** A macro without a name that is called where it stands. */
    record Generation(Macro block) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}
}
