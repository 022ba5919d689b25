package io.kvscale.tensor;

import java.io.Serializable;

/**
 * One calibration sample: a name and, where its file holds a batch of more than one, the row in the batch.
 *
 * <p>Ordered by the name's UTF-8 bytes, then by row as a number. {@code row} is {@link #WHOLE} where the file holds one
 * sample only.
 */
public record Sample(String name, int row) implements Comparable<Sample>, Serializable {
    public static final int WHOLE = -1;

    /** The sample that {@link #toString} gave; any other text is the name of a whole one. */
    public static Sample named(String text) {
        int mark = text.lastIndexOf('#');
        String digits = text.substring(mark + 1);
        boolean isRow = mark >= 0 && digits.length() <= 9 && digits.matches("0|[1-9]\\d*");
        return isRow ? new Sample(text.substring(0, mark), Integer.parseInt(digits)) : new Sample(text, WHOLE);
    }

    @Override
    public int compareTo(Sample other) {
        int byName = compareUtf8(name, other.name);
        return byName != 0 ? byName : Integer.compare(row, other.row);
    }

    /** Compares two strings as their UTF-8 bytes would compare, which is by code point. */
    public static int compareUtf8(String a, String b) {
        int limit = Math.min(a.length(), b.length());
        for (int i = 0; i < limit; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                // Surrogates stand for code points above every other char, but sort below U+E000 as chars.
                boolean swap = Character.isSurrogate(x) != Character.isSurrogate(y);
                return swap ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /** {@code name}, or {@code name#row}. */
    @Override
    public String toString() {
        return row == WHOLE ? name : name + "#" + row;
    }
}
