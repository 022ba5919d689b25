package io.kvscale.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The value of a string literal with Python's escapes. */
final class StringLiteral {
    private static final Pattern ESCAPE = Pattern.compile(
            "\\\\(?:(?<octal>[0-7]{1,3})|x(?<byte>[0-9a-fA-F]{2})|u(?<unit>[0-9a-fA-F]{4})|U(?<point>[0-9a-fA-F]{8})|(?<one>.))",
            Pattern.DOTALL);

    private StringLiteral() {}

    static String value(String quoted, int line) {
        if (quoted.indexOf('\\') < 0) {
            return quoted;
        }
        Matcher escape = ESCAPE.matcher(quoted);
        StringBuilder out = new StringBuilder();
        int done = 0;
        while (escape.find()) {
            out.append(quoted, done, escape.start());
            done = escape.end();
            if (escape.group("octal") != null) {
                out.append((char) Integer.parseInt(escape.group("octal"), 8));
            } else if (escape.group("byte") != null) {
                out.append((char) Integer.parseInt(escape.group("byte"), 16));
            } else if (escape.group("unit") != null) {
                out.append((char) Integer.parseInt(escape.group("unit"), 16));
            } else if (escape.group("point") != null) {
                long point = Long.parseLong(escape.group("point"), 16);
                if (point > Character.MAX_CODE_POINT) {
                    throw new TemplateException("no such character: " + escape.group(), line);
                }
                out.appendCodePoint((int) point);
            } else {
                out.append(single(escape.group("one").charAt(0), line));
            }
        }
        return out.append(quoted, done, quoted.length()).toString();
    }

    private static String single(char escaped, int line) {
        return switch (escaped) {
            case '\n' -> "";
            case '\\', '\'', '"' -> String.valueOf(escaped);
            case 'a' -> "\u0007";
            case 'b' -> "\b";
            case 'f' -> "\f";
            case 'n' -> "\n";
            case 'r' -> "\r";
            case 't' -> "\t";
            case 'v' -> "\u000b";
            case 'x', 'u', 'U', 'N' -> throw new TemplateException("bad escape \\" + escaped + " in a string", line);
            default -> "\\" + escaped;
        };
    }
}
