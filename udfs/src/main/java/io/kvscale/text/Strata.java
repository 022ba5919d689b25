package io.kvscale.text;

import java.io.Serializable;

/**
 * The strata of a text: the groups by which texts are chosen, and by which statistics are kept.
 *
 * @param sample the value of the field that {@code sample_by} names; empty for none
 * @param statistics the value of the field that {@code statistics_by} names; empty for none
 */
public record Strata(String sample, String statistics) implements Serializable {
    public static final Strata NONE = new Strata("", "");

    /** The largest number of values of a field of strata. */
    public static final int MAX_VALUES = 1_000;

    /** The largest number of characters of a value. */
    public static final int MAX_LENGTH = 200;
}
