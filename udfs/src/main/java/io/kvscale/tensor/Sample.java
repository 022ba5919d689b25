package io.kvscale.tensor;

import java.io.Serializable;

/**
 * A calibration sample. Ordered by the UTF-8 bytes of the name, then by row as a number.
 *
 * @param row row in the batch of the file; {@link #WHOLE} if the file holds a single sample
 */
public record Sample(String name, int row) implements Comparable<Sample>, Serializable {
    /** The row of a sample that is its whole file. */
    public static final int WHOLE = -1;

    /** Parses what {@link #toString} gives. A text without {@code #row} names a sample that is its whole file. */
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

    /** Compares two strings by their UTF-8 bytes, which means by code point. */
    public static int compareUtf8(String a, String b) {
        int limit = Math.min(a.length(), b.length());
        for (int i = 0; i < limit; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                // Surrogates encode code points above all other chars, but as chars they are below U+E000.
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
