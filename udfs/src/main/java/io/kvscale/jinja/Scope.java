package io.kvscale.jinja;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Variables; those of enclosing scopes can be read but not changed. */
final class Scope {
    private final Map<String, Object> variables = new HashMap<>();
    private final @Nullable Scope around;
    private boolean ended;

    /** Names that this scope read before they were set here. */
    private final Set<String> read = new HashSet<>();

    /** Names that an inner scope read before they were set here, and that this scope had not read. */
    private final Set<String> readInside = new HashSet<>();

    Scope(@Nullable Scope around) {
        this.around = around;
    }

    /** Marks the block of this scope as ended. */
    void end() {
        ended = true;
    }

    boolean hasEnded() {
        return ended || around != null && around.hasEnded();
    }

    /** Setting a name that an inner block has already read is an error: in jinja2 that block saw it as undefined. */
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
