package io.kvscale.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The filter {@code tojson} as transformers defines it: Python's json.dumps without HTML escapes. */
final class JsonText {
    private final StringBuilder out = new StringBuilder();
    private final Budget budget;
    private final boolean ascii;
    private final boolean sorted;
    private final String indent;
    private final boolean lines;
    private final String betweenItems;
    private final String afterKey;

    private JsonText(Budget budget, Arguments.Bound given) {
        this.budget = budget;
        ascii = given.truth(0, false);
        lines = given.given(1).isPresent();
        indent = given.given(1)
                .filter(String.class::isInstance)
                .map(String.class::cast)
                .orElseGet(() -> " ".repeat(Math.min(64, Math.max(0, given.integer(1, 0)))));
        List<Object> separators = given.given(2).map(Values::items).orElse(List.of(lines ? "," : ", ", ": "));
        if (separators.size() != 2) {
            throw new TemplateException("tojson needs two separators");
        }
        betweenItems = (String) separators.get(0);
        afterKey = (String) separators.get(1);
        sorted = given.truth(3, false);
    }

    static String of(Object value, Arguments arguments, Budget budget) {
        JsonText text =
                new JsonText(budget, arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys"));
        text.append(value, 1);
        return text.out.toString();
    }

    private void append(Object value, int depth) {
        budget.value();
        Budget.checkLength(out.length());
        if (value == None.NONE) {
            out.append("null");
        } else if (value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Double number) {
            out.append(Printed.number(number));
        } else if (value instanceof Number) {
            out.append(value);
        } else if (value instanceof String text) {
            quote(text);
        } else if (value instanceof List<?> list) {
            out.append('[');
            String between = "";
            for (Object item : list) {
                out.append(between);
                line(depth);
                append(item, depth + 1);
                between = betweenItems;
            }
            close(list.isEmpty(), depth, ']');
        } else if (value instanceof Map<?, ?> map) {
            object(map, depth);
        } else {
            throw new TemplateException(Values.typeName(value) + " cannot be written as JSON");
        }
    }

    private void object(Map<?, ?> map, int depth) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort(Comparator.comparing(Map.Entry::getKey, new Comparison(budget)::compare));
        }
        out.append('{');
        String between = "";
        for (Map.Entry<?, ?> entry : entries) {
            out.append(between);
            line(depth);
            quote(entry.getKey() instanceof String key ? key : of(entry.getKey(), Arguments.NONE, budget));
            out.append(afterKey);
            append(entry.getValue(), depth + 1);
            between = betweenItems;
        }
        close(map.isEmpty(), depth, '}');
    }

    private void line(int depth) {
        if (lines) {
            out.append('\n');
            for (int i = 0; i < depth; i++) {
                budget.append(out, indent);
            }
        }
    }

    private void close(boolean empty, int depth, char end) {
        if (!empty) {
            line(depth - 1);
        }
        out.append(end);
    }

    private void quote(String text) {
        budget.written(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (ascii && c > 0x7e)) {
                        out.append(c == 0x7f ? "\u007f" : "\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
