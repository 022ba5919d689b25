package io.kvscale.text.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/** What the parts of a tokenizer can make of a text: how much longer, and for which texts slow. */
final class Effort {
    /** A published tokenizer reaches about 70: a character map, a space that becomes ▁, and a ▁ before a text. */
    private static final double MAX_GROWTH = 400;

    /** About 500,000 tokens of English, more than a context of any model that kvscale can run; tokenized in seconds. */
    private static final int MAX_CHARACTERS = 2_000_000;

    /** Oniguruma steps back at most ten million times in a match. */
    private static final double MAX_STEPS = 9e6;

    /** Steps of regular expressions for a text; a few seconds. */
    private static final double MAX_WORK = 2e9;

    private static final int MAX_PARTS = 32;
    /** Parts for a text of the maximum size: each takes about a second. A published tokenizer has about eight. */
    private static final double FREE_PARTS = 12;

    /** Bytes of a normalized text; each takes up to 120 bytes of memory while it is tokenized. */
    private static final double MAX_NORMALIZED = 32 << 20;

    private double growth = 1;
    private int decomposition = 1;
    private int parts;
    private double work;
    private double characters = MAX_CHARACTERS;
    private boolean makesSpaces;
    private boolean scansRuns;
    private boolean shrinks;

    /** Notes a normalizer or a pre-tokenizer. */
    void add(Part part) {
        if (++parts > MAX_PARTS) {
            throw part.bad("it is part " + parts + " of normalizer and pre-tokenizer, at most " + MAX_PARTS);
        }
        characters = Math.min(characters, MAX_CHARACTERS * FREE_PARTS / parts);
    }

    /** Notes the steps that a regular expression takes at a character, to match or to fail. */
    void work(double steps) {
        work += steps * growth;
        characters = Math.min(characters, MAX_WORK / work);
    }

    /** Notes that a text of n bytes can become {@code factor} times n bytes. */
    void grow(double factor, Part part) {
        growth *= Math.max(1, factor);
        if (growth > MAX_GROWTH) {
            throw part.bad("it can make a text " + Math.round(growth) + " times as long, at most "
                    + Math.round(MAX_GROWTH) + " times");
        }
    }

    /**
     * Notes a part that decomposes characters, to at most {@code factor} times their bytes. A second such part adds nothing:
     * other parts count what they insert as {@link #bytes}.
     */
    void decompose(int factor, Part part) {
        grow((double) factor / decomposition, part);
        decomposition = Math.max(decomposition, factor);
    }

    /** The most bytes that a text has before or after a normalization form, in UTF-8. */
    static int bytes(String text) {
        return text.codePoints()
                .map(c -> {
                    String character = Character.toString(c);
                    int most = utf8(character);
                    for (Normalizer.Form form : Normalizer.Form.values()) {
                        most = Math.max(most, utf8(Normalizer.normalize(character, form)));
                    }
                    return most;
                })
                .sum();
    }

    private static int utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** Notes that a part deletes characters, so that spaces or digits beside them become a run. */
    void shrink() {
        shrinks = true;
    }

    /** Notes a text that a part inserts. */
    void inserts(String text) {
        makesSpaces |= text.codePoints().anyMatch(Effort::isRun);
    }

    /** Notes how often a regular expression steps back over one run of characters. */
    void scan(int times) {
        characters = Math.min(characters, MAX_STEPS / (Math.max(1, times) * growth));
    }

    /** Whether a character is a space or a number, as {@code \s}, {@code \d} and {@code \p{N}} see them. */
    static boolean isRun(int c) {
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER,
                    Character.LETTER_NUMBER,
                    Character.OTHER_NUMBER,
                    Character.SPACE_SEPARATOR,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> true;
            default -> Character.isWhitespace(c) || c == 0x85;
        };
    }

    /** Notes a regular expression whose time is the square of the length of a run of spaces or digits. */
    void scanRuns(Part part) {
        scansRuns = true;
        if (makesSpaces || shrinks) {
            throw part.bad(
                    "its regular expression may take very long after a normalizer that inserts or deletes characters");
        }
    }

    TextLimits limits() {
        return new TextLimits((int) characters, (long) (MAX_NORMALIZED / growth), scansRuns);
    }
}
