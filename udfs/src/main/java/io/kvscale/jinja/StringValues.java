package io.kvscale.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Operations of Python's strings, by code point instead of UTF-16 unit. */
final class StringValues {
    private StringValues() {}

    static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0d)
                || (c >= 0x1c && c <= 0x20)
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200a)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /** Whether the text is empty or white space. */
    static boolean isSpace(String text) {
        return text.chars().allMatch(StringValues::isSpace);
    }

    static String unixLines(String text) {
        return text.indexOf('\r') < 0 ? text : text.replace("\r\n", "\n").replace('\r', '\n');
    }

    static String stripEnd(String text) {
        return strip(text, "", false, true);
    }

    /** @param characters to strip; white space if empty */
    static String strip(String text, String characters, boolean start, boolean end) {
        int from = 0;
        int to = text.length();
        while (start && from < to && goes(text.codePointAt(from), characters)) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && to > from && goes(text.codePointBefore(to), characters)) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    private static boolean goes(int c, String characters) {
        return characters.isEmpty() ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    /** Compares by code points. */
    static int compare(String left, String right) {
        int at = 0;
        int length = Math.min(left.length(), right.length());
        while (at < length && left.charAt(at) == right.charAt(at)) {
            at++;
        }
        if (at == length) {
            return Integer.compare(left.length(), right.length());
        }
        return Integer.compare(rank(left.charAt(at)), rank(right.charAt(at)));
    }

    /** Surrogates rank last: they encode code points above all other units. */
    private static int rank(char c) {
        return Character.isSurrogate(c) ? c + Character.MAX_VALUE : c;
    }

    /** Splits at runs of white space. */
    static List<Object> words(String text) {
        List<Object> words = new ArrayList<>();
        int start = -1;
        for (int i = 0; i <= text.length(); i++) {
            boolean space = i == text.length() || isSpace(text.charAt(i));
            if (space && start >= 0) {
                Budget.checkItems(words.size());
                words.add(text.substring(start, i));
                start = -1;
            } else if (!space && start < 0) {
                start = i;
            }
        }
        return words;
    }

    /** @param most how often to split, negative for always */
    static List<Object> split(String text, String separator, int most, Budget budget) {
        nonEmpty(separator);
        budget.search(text, separator);
        List<Object> parts = new ArrayList<>();
        int done = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() != most; at = text.indexOf(separator, done)) {
            Budget.checkItems(parts.size());
            parts.add(text.substring(done, at));
            done = at + separator.length();
        }
        parts.add(text.substring(done));
        return parts;
    }

    static List<Object> splitFromEnd(String text, String separator, int most, Budget budget) {
        nonEmpty(separator);
        budget.search(text, separator);
        List<Object> parts = new ArrayList<>();
        int end = text.length();
        for (int at = before(text, separator, end);
                at >= 0 && parts.size() != most;
                at = before(text, separator, end)) {
            Budget.checkItems(parts.size());
            parts.add(text.substring(at + separator.length(), end));
            end = at;
        }
        parts.add(text.substring(0, end));
        Collections.reverse(parts);
        return parts;
    }

    private static int before(String text, String separator, int end) {
        return end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
    }

    private static void nonEmpty(String separator) {
        if (separator.isEmpty()) {
            throw new TemplateException("the separator of split must not be empty");
        }
    }

    /** @param most how often to replace, negative for always */
    static String replace(String text, String old, String by, int most, Budget budget) {
        if (old.isEmpty()) {
            throw TemplateException.unsupported("replacing the empty string");
        }
        budget.search(text, old);
        StringBuilder out = new StringBuilder();
        int done = 0;
        int left = most;
        for (int at = text.indexOf(old); at >= 0 && left != 0; at = text.indexOf(old, done)) {
            budget.match();
            out.append(text, done, at);
            budget.append(out, by);
            done = at + old.length();
            left--;
        }
        budget.text((long) out.length() + text.length() - done);
        return out.append(text, done, text.length()).toString();
    }

    static long count(String text, String part, Budget budget) {
        budget.search(text, part);
        if (part.isEmpty()) {
            throw TemplateException.unsupported("counting the empty string");
        }
        long found = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            budget.match();
            found++;
        }
        return found;
    }

    /** The first character in title case, the others in lower case. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int second = text.offsetByCodePoints(0, 1);
        return title(text.codePointAt(0)) + lower(text.substring(second));
    }

    /** The first letter of every word in title case, the others in lower case. */
    static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            out.append(inWord ? lower(Character.toString(c)) : title(c));
            inWord = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
        }
        return out.toString();
    }

    private static String title(int c) {
        String whole = Character.toString(c);
        String upper = upper(whole);
        boolean single = upper.codePointCount(0, upper.length()) == 1;
        return single ? Character.toString(Character.toTitleCase(c)) : capitalOf(upper);
    }

    private static String capitalOf(String upper) {
        int second = upper.offsetByCodePoints(0, 1);
        return upper.substring(0, second) + lower(upper.substring(second));
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }
}
