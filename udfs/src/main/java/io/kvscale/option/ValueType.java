package io.kvscale.option;

import io.kvscale.scheme.Vocabulary;

/**
 * The type of a recipe key's value.
 *
 * @param vocabulary the words of a {@link Kind#WORD} or {@link Kind#WORDS}, a placeholder for other kinds
 * @param least the limits of a {@link Kind#NUMBER}, {@link Kind#DECIMAL} or {@link Kind#COUNTS}, inclusive; 0 for other kinds
 */
public record ValueType(Kind kind, Vocabulary vocabulary, long least, long most) {
    private static final Vocabulary NONE = Vocabulary.of("");

    public static final ValueType FLAG = new ValueType(Kind.FLAG, NONE, 0, 0);
    public static final ValueType TEXT = new ValueType(Kind.TEXT, NONE, 0, 0);
    public static final ValueType TEXTS = new ValueType(Kind.TEXTS, NONE, 0, 0);
    public static final ValueType SCHEME = new ValueType(Kind.SCHEME, NONE, 0, 0);

    /**
     * The kinds of values. {@code SCHEME} is a mapping with keys of {@code kv_cache_scheme}, {@code COUNTS} a number or a
     * mapping from texts to numbers.
     */
    public enum Kind {
        FLAG,
        WORD,
        NUMBER,
        DECIMAL,
        COUNTS,
        WORDS,
        TEXT,
        TEXTS,
        SCHEME
    }

    static ValueType words(String... words) {
        return new ValueType(Kind.WORD, Vocabulary.of(words), 0, 0);
    }

    /** A word or a list of words. */
    static ValueType wordList(String... words) {
        return new ValueType(Kind.WORDS, Vocabulary.of(words), 0, 0);
    }

    /** A whole number; {@link Long#MAX_VALUE} as {@code most} means no limit. */
    static ValueType number(long least, long most) {
        return new ValueType(Kind.NUMBER, NONE, least, most);
    }

    /** A whole number from 1, or one for each of some texts. */
    static ValueType counts(long most) {
        return new ValueType(Kind.COUNTS, NONE, 1, most);
    }

    /** A number that need not be whole. */
    static ValueType decimal(long least, long most) {
        return new ValueType(Kind.DECIMAL, NONE, least, most);
    }

    /** The type in words, for error messages and the reference in conf/README.md. */
    public String shown() {
        return switch (kind) {
            case FLAG -> "true or false";
            case WORD -> "one of " + String.join(", ", vocabulary.words());
            case WORDS -> "one or a list of " + String.join(", ", vocabulary.words());
            case NUMBER ->
                "a whole number" + (least == Long.MIN_VALUE ? "" : " from " + least)
                        + (most == Long.MAX_VALUE ? "" : " to " + most);
            case DECIMAL -> "a number from " + least + " to " + most;
            case COUNTS -> "a whole number from " + least + ", or a mapping from values to such numbers";
            case TEXT -> "text";
            case TEXTS -> "text or a list of texts";
            case SCHEME -> "a mapping";
        };
    }
}
