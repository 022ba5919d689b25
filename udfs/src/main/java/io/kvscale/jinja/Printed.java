package io.kvscale.jinja;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;
import java.util.Map;

/** Prints values as Python's str and repr do. */
final class Printed {
    private Printed() {}

    static String text(Object value, Budget budget) {
        if (value instanceof String text) {
            return text;
        } else if (value instanceof Safe safe) {
            return safe.text();
        }
        return value instanceof Undefined
                ? ""
                : appended(value, new StringBuilder(), budget).toString();
    }

    private static StringBuilder appended(Object value, StringBuilder out, Budget budget) {
        budget.value();
        Budget.checkLength(out.length());
        if (value == None.NONE) {
            out.append("None");
        } else if (value instanceof Boolean is) {
            out.append(is ? "True" : "False");
        } else if (value instanceof Double number) {
            out.append(number(number));
        } else if (value instanceof Number) {
            out.append(value);
        } else if (value instanceof String text) {
            budget.written(text.length());
            quote(text, out);
        } else if (value instanceof Iterable<?> list) {
            boolean tuple = value instanceof Tuple;
            String between = "";
            out.append(tuple ? '(' : '[');
            for (Object item : list) {
                appended(item, out.append(between), budget);
                between = ", ";
            }
            out.append(tuple && Values.length(value) == 1 ? "," : "").append(tuple ? ')' : ']');
        } else if (value instanceof Map<?, ?> map) {
            String between = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                appended(entry.getKey(), out.append(between), budget).append(": ");
                appended(entry.getValue(), out, budget);
                between = ", ";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Undefined) {
            out.append("Undefined");
        } else {
            throw TemplateException.unsupported("printing " + Values.typeName(value));
        }
        return out;
    }

    /** The shortest digits that read back as the number; with an exponent below 1e-4 and at least 1e16. */
    static String number(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value) || (value != 0 && Math.abs(value) < Double.MIN_NORMAL)) {
            throw TemplateException.unsupported("printing a number that is not finite or not normal");
        }
        String sign = value < 0 || 1 / value < 0 ? "-" : "";
        if (value == 0) {
            return sign + "0.0";
        }
        BigDecimal shortest = new BigDecimal(NumberOutput.toString(Math.abs(value), true)).stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return sign + (plain.contains(".") ? plain : plain + ".0");
        }
        String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
        String places = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
        return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + places;
    }

    private static void quote(String text, StringBuilder out) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c == quote) {
                        out.append('\\').appendCodePoint(c);
                    } else if (isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(
                                c < 0x100
                                        ? "\\x%02x".formatted(c)
                                        : (c < 0x10000 ? "\\u%04x" : "\\U%08x").formatted(c));
                    }
                }
            }
        });
        out.append(quote);
    }

    /** Characters that are unassigned in the JDK's Unicode version count as printable: newer versions may assign them. */
    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }
}
