package io.kvscale.text.tokenizer;

/**
 * An item of a regular expression: a character, class or group, and how often it is repeated.
 *
 * @param choices ways to match without backtracking into an open repetition
 * @param steps to match once, open repetitions counted once
 */
record RegexItem(
        String text, int min, int max, boolean possessive, boolean zeroLength, int length, int choices, double steps) {
    /** Repetitions up to this number count as choices, those beyond as open. */
    static final int MAX_BOUNDED = 16;

    boolean open() {
        return max > MAX_BOUNDED;
    }

    boolean canFail() {
        return min > 0;
    }
}
