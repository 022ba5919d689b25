package io.kvscale.text.tokenizer;

import io.kvscale.tensor.InvalidDataException;

/**
 * The texts that a tokenizer can take in seconds and in bounded memory.
 *
 * @param characters maximum number of characters (code units of UTF-16)
 * @param bytes maximum size in UTF-8
 * @param runs whether runs of spaces and numbers are bounded too
 */
public record TextLimits(int characters, long bytes, boolean runs) {
    /** A text of the maximum size with such runs takes about a minute. */
    static final int MAX_RUN = 10_000;

    private static final String REMEDY = "split it into several records, at the ends of sentences or lines";

    /**
     * Checks a text before it is tokenized.
     *
     * @param size of the text in UTF-8
     * @throws InvalidDataException if it is too long
     */
    public void check(String text, long size) {
        if (text.length() > characters) {
            throw new InvalidDataException(
                    "the text has " + text.length() + " characters, at most " + characters, REMEDY);
        }
        if (size > bytes) {
            throw new InvalidDataException("the text has " + size + " bytes, at most " + bytes, REMEDY);
        }
        if (runs) {
            checkRuns(text);
        }
    }

    private static void checkRuns(String text) {
        int run = 0;
        for (int i = 0; i < text.length(); i++) {
            run = Effort.isRun(text.charAt(i))
                            || Character.isSurrogate(text.charAt(i)) && Effort.isRun(text.codePointAt(i))
                    ? run + 1
                    : 0;
            if (run > MAX_RUN) {
                throw new InvalidDataException(
                        "the text has more than " + MAX_RUN
                                + " spaces or digits in a row, for which this tokenizer takes" + " very long",
                        "shorten the spaces, or remove this record");
            }
        }
    }
}
