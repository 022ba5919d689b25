package io.kvscale.jinja;

/**
 * The result of the filter {@code safe}: markupsafe's {@code Markup}. It can be printed and added to a string, which
 * escapes the string; every other use is an error.
 */
record Safe(String text) {
    static boolean isText(Object value) {
        return value instanceof String || value instanceof Safe;
    }

    /** What a value adds to a {@code Markup}: a string with its HTML characters escaped. */
    static String escaped(Object value, Budget budget) {
        if (value instanceof Safe safe) {
            return safe.text();
        }
        StringBuilder out = new StringBuilder();
        ((String) value)
                .chars()
                .forEach(c -> budget.append(
                        out,
                        switch (c) {
                            case '&' -> "&amp;";
                            case '<' -> "&lt;";
                            case '>' -> "&gt;";
                            case '\'' -> "&#39;";
                            case '"' -> "&#34;";
                            default -> String.valueOf((char) c);
                        }));
        return out.toString();
    }
}
