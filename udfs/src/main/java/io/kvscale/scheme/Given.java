package io.kvscale.scheme;

import io.kvscale.tensor.DataProblem;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A value as a recipe gave it, in the form that messages show. */
public final class Given {
    private Given() {}

    /** Text in quotes, shortened and escaped; collections by kind only, for they may be huge. */
    public static String shown(@Nullable Object value) {
        if (value == null) {
            return "nothing";
        }
        if (value instanceof Map) {
            return "a mapping";
        }
        if (value instanceof List) {
            return "a list";
        }
        if (value instanceof Number || value instanceof Boolean) {
            return DataProblem.shown(value.toString());
        }
        return value instanceof CharSequence ? "'" + DataProblem.shown(value.toString()) + "'" : "something else";
    }
}
