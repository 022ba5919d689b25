package io.kvscale.jinja;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Variables; those of the scopes around it are seen and not changed. */
final class Scope {
    private final Map<String, Object> variables = new HashMap<>();
    private final @Nullable Scope around;
    private boolean ended;

    /** Names that were not here when this scope itself read them. */
    private final Set<String> read = new HashSet<>();

    /** Names that were not here when a scope inside of this one read them, and this one had not before. */
    private final Set<String> readInside = new HashSet<>();

    Scope(@Nullable Scope around) {
        this.around = around;
    }

    /** Says that the block of this scope is over. */
    void end() {
        ended = true;
    }

    boolean hasEnded() {
        return ended || around != null && around.hasEnded();
    }

    /** A name that a block inside has read already is refused: jinja2 had given that block nothing in its place. */
    void set(String name, Object value) {
        if (readInside.contains(name)) {
            throw TemplateException.unsupported("reading '" + name + "' in a block before it is set around the block");
        }
        variables.put(name, value);
    }

    Object get(String name, Budget budget) {
        for (Scope scope = this; scope != null; scope = scope.around) {
            Object value = scope.variables.get(name);
            if (value != null) {
                return value;
            } else if (scope == this) {
                read.add(name);
            } else if (!scope.read.contains(name)) {
                scope.readInside.add(name);
            }
        }
        return Globals.get(name, budget);
    }
}
