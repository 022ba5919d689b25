package io.kvscale.job.corpus.plan;

import io.kvscale.tensor.Sample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * All that the driver knows of a text.
 *
 * @param name empty as long as it has none: a table's rows get theirs from {@link #named}
 * @param length in tokens, at least 1, whatever the limit
 */
public record TextSample(String name, ContentHash hash, int length) {
    /** Where names lie, a line's number taken as a number: {@code texts/9} before {@code texts/10}. */
    static final Comparator<String> BY_NAME =
            Comparator.comparing(TextSample::stem, Sample::compareUtf8).thenComparingLong(TextSample::line);

    /** By content, then by name. */
    static final Comparator<TextSample> BY_HASH =
            Comparator.comparing(TextSample::hash).thenComparing(TextSample::name, BY_NAME);

    private static final int MAX_DIGITS = 18;

    private static String stem(String name) {
        return line(name) < 0 ? name : name.substring(0, name.lastIndexOf('/'));
    }

    /** The number behind the last slash; -1 where there is none. */
    private static long line(String name) {
        int slash = name.lastIndexOf('/');
        int digits = name.length() - slash - 1;
        if (slash < 0 || digits == 0 || digits > MAX_DIGITS || name.charAt(slash + 1) == '0') {
            return -1;
        }
        long number = 0;
        for (int i = slash + 1; i < name.length(); i++) {
            int digit = name.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }

    /** What rows hold the same text, and so the same token ids. */
    String content() {
        return content(hash, length);
    }

    /** The same rendered text has other ids where special tokens are added to it, and then another length. */
    static String content(ContentHash hash, int length) {
        return hash + ":" + length;
    }

    /**
     * Names the rows of a table by their content: its first digits, and a number where the same ones are there more than
     * once.
     */
    public static List<TextSample> named(List<TextSample> rows) {
        List<TextSample> sorted = new ArrayList<>(rows);
        sorted.sort(Comparator.comparing(TextSample::hash).thenComparingInt(TextSample::length));
        List<TextSample> named = new ArrayList<>(sorted.size());
        String last = "";
        int copies = 0;
        for (TextSample row : sorted) {
            String digits = row.hash.digits();
            copies = digits.equals(last) ? copies + 1 : 1;
            last = digits;
            named.add(new TextSample(copies == 1 ? digits : digits + "-" + copies, row.hash, row.length));
        }
        return named;
    }
}
