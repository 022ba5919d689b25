package io.kvscale.scheme;

import io.kvscale.tensor.DataProblem;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows values of recipes in messages. */
public final class Given {
    private Given() {}

    /** Text in quotes, shortened and escaped; for a collection only its kind. */
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
