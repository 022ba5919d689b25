package io.kvscale.jinja;

import io.kvscale.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a template into text and the tokens of its tags, with jinja2's {@code trim_blocks} and {@code lstrip_blocks}: the
 * line end after a tag or comment is removed, and so is white space before a tag at the start of a line.
 */
final class Lexer {
    private static final Pattern RAW =
            Pattern.compile("\\s*raw\\s*(?:-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern FLOAT = Pattern.compile(
            "(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)");
    private static final Pattern INTEGER =
            Pattern.compile("0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*");
    private static final Pattern OPERATOR = Pattern.compile("//|\\*\\*|==|!=|<=|>=|[-+*/%~\\[\\](){}<>=.:|,;]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private int counted;

    private Lexer(String source) {
        String lines = StringValues.unixLines(source);
        this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
    }

    static List<Token> tokens(String source) {
        return new Lexer(source).run();
    }

    private List<Token> run() {
        while (at < source.length()) {
            int open = nextOpening();
            if (open < 0) {
                text(source.substring(at));
                at = source.length();
                break;
            }
            String before = source.substring(at, open);
            char kind = source.charAt(open + 1);
            boolean lineStart = atLineStart();
            at = open + 2;
            char sign = sign();
            text(stripped(before, sign, kind != '{', lineStart));
            switch (kind) {
                case '#' -> comment();
                case '%' -> tag();
                default -> tokens(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
            }
        }
        add(Kind.END, "");
        return tokens;
    }

    private int nextOpening() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private boolean atLineStart() {
        return at == 0 || source.charAt(at - 1) == '\n';
    }

    private char sign() {
        if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
            return source.charAt(at++);
        }
        return 0;
    }

    private static String stripped(String text, char sign, boolean tag, boolean lineStart) {
        if (sign == '-') {
            return StringValues.stripEnd(text);
        }
        int begin = text.lastIndexOf('\n') + 1;
        boolean alone = (begin > 0 || lineStart) && StringValues.isSpace(text.substring(begin));
        return sign == 0 && tag && alone ? text.substring(0, begin) : text;
    }

    private void text(String text) {
        if (!text.isEmpty()) {
            add(Kind.TEXT, text);
        }
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw error("a comment has no end");
        }
        char sign = end > at ? source.charAt(end - 1) : 0;
        at = end + 2;
        afterEnd(sign, true);
    }

    private void afterEnd(char sign, boolean trimsLineEnd) {
        if (sign == '-') {
            skipSpace();
        } else if (sign != '+' && trimsLineEnd && at < source.length() && source.charAt(at) == '\n') {
            at++;
        }
    }

    private void skipSpace() {
        while (at < source.length() && StringValues.isSpace(source.charAt(at))) {
            at++;
        }
    }

    private void tag() {
        Matcher raw = RAW.matcher(source).region(at, source.length());
        if (!raw.lookingAt()) {
            tokens(Kind.TAG_BEGIN, Kind.TAG_END, "%}");
            return;
        }
        at = raw.end();
        Matcher end = END_RAW.matcher(source);
        if (!end.find(at)) {
            throw error("a raw tag has no end");
        }
        char sign = end.group(1).isEmpty() ? 0 : end.group(1).charAt(0);
        text(stripped(source.substring(at, end.start()), sign, true, atLineStart()));
        at = end.end();
    }

    private void tokens(Kind begin, Kind end, String closing) {
        add(begin, "");
        Deque<Character> brackets = new ArrayDeque<>();
        while (true) {
            skipSpace();
            if (at >= source.length()) {
                throw error("a tag has no end");
            }
            char sign = source.charAt(at);
            boolean signed = sign == '-' || (sign == '+' && end == Kind.TAG_END);
            if (brackets.isEmpty() && source.startsWith(closing, signed ? at + 1 : at)) {
                add(end, "");
                at += closing.length() + (signed ? 1 : 0);
                afterEnd(signed ? sign : 0, end == Kind.TAG_END);
                return;
            }
            token(brackets);
        }
    }

    private void token(Deque<Character> brackets) {
        char c = source.charAt(at);
        if (c == '\'' || c == '"') {
            add(Kind.STRING, StringLiteral.value(quoted(c), line()));
        } else if (!(match(FLOAT, Kind.FLOAT) || match(INTEGER, Kind.INTEGER) || match(NAME, Kind.NAME))) {
            if (!match(OPERATOR, Kind.OPERATOR)) {
                throw error("unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
            }
            balance(brackets, c);
        }
    }

    private void balance(Deque<Character> brackets, char c) {
        switch (c) {
            case '(' -> brackets.push(')');
            case '[' -> brackets.push(']');
            case '{' -> brackets.push('}');
            case ')', ']', '}' -> {
                if (brackets.isEmpty() || brackets.pop() != c) {
                    throw error("unexpected '" + c + "'");
                }
            }
            default -> {}
        }
    }

    private String quoted(char quote) {
        int start = ++at;
        while (at < source.length() && source.charAt(at) != quote) {
            at += source.charAt(at) == '\\' ? 2 : 1;
        }
        if (at >= source.length()) {
            throw error("a string has no end");
        }
        return source.substring(start, at++);
    }

    private boolean match(Pattern pattern, Kind kind) {
        Matcher matcher = pattern.matcher(source).region(at, source.length()).useTransparentBounds(true);
        if (!matcher.lookingAt()) {
            return false;
        }
        add(kind, matcher.group());
        at = matcher.end();
        return true;
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line()));
    }

    private int line() {
        for (; counted < Math.min(at, source.length()); counted++) {
            line += source.charAt(counted) == '\n' ? 1 : 0;
        }
        return line;
    }

    private TemplateException error(String what) {
        return new TemplateException(what).at(line());
    }
}
