package io.kvscale.job.corpus.plan;

import io.kvscale.tensor.Sample;
import io.kvscale.text.Strata;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What the driver knows of a text.
 *
 * @param name empty for a row of a table until {@link #withNames}
 * @param length in tokens before truncation, at least 1
 */
public record TextSample(String name, ContentHash hash, int length, Strata strata) {
    /** A sample without strata. */
    TextSample(String name, ContentHash hash, int length) {
        this(name, hash, length, Strata.NONE);
    }

    /** By UTF-8 bytes, except that line numbers compare as numbers: {@code texts/9} before {@code texts/10}. */
    static final Comparator<String> BY_NAME =
            Comparator.comparing(TextSample::stem, Sample::compareUtf8).thenComparingLong(TextSample::line);

    /** By content, then by name. */
    static final Comparator<TextSample> BY_HASH =
            Comparator.comparing(TextSample::hash).thenComparing(TextSample::name, BY_NAME);

    private static final int MAX_DIGITS = 18;

    private static String stem(String name) {
        return line(name) < 0 ? name : name.substring(0, name.lastIndexOf('/'));
    }

    /** The number after the last slash; -1 if there is none. */
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

    /**
     * A key that is equal for samples with equal token ids. The length is part of it because the same rendered text can be
     * encoded with and without special tokens.
     */
    String contentKey() {
        return hash + ":" + length;
    }

    /** Names the rows of a table by the first 16 digits of their hash, followed by a number for repeated digits. */
    public static List<TextSample> withNames(List<TextSample> rows) {
        List<TextSample> sorted = new ArrayList<>(rows);
        sorted.sort(Comparator.comparing(TextSample::hash)
                .thenComparingInt(TextSample::length)
                .thenComparing(row -> row.strata.sample())
                .thenComparing(row -> row.strata.statistics()));
        List<TextSample> named = new ArrayList<>(sorted.size());
        String last = "";
        int copies = 0;
        for (TextSample row : sorted) {
            String digits = row.hash.digits();
            copies = digits.equals(last) ? copies + 1 : 1;
            last = digits;
            named.add(new TextSample(copies == 1 ? digits : digits + "-" + copies, row.hash, row.length, row.strata));
        }
        return named;
    }
}
