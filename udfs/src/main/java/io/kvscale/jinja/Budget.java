package io.kvscale.jinja;

import java.util.List;

/**
 * Bounds the memory and the work of one rendering: templates come with models and are untrusted.
 *
 * <p>The unit of work is one character copied. Slower work costs more units, in proportion to its time, so that the limit
 * is reached within about a second.
 */
final class Budget {
    /** Maximum number of characters of one text. */
    static final int MAX_TEXT = 64 << 20;

    static final long MAX_WORK = 1_600_000_000;

    private static final int MAX_ITEMS = 1_000_000;
    private static final int STEP = 32;
    private static final int SCOPE = 1024;
    private static final int MATCH = 64;
    private static final int VALUE = 128;
    private static final int SCANNED = 4;
    private static final int WRITTEN = 16;

    private long work;

    /** The units spent so far, {@link #MAX_WORK} at most. */
    long work() {
        return work;
    }

    /** Evaluating an expression or running a statement. */
    void step() {
        spend(STEP);
    }

    /** The variables of one turn of a loop or one call of a macro. */
    void scope() {
        spend(SCOPE);
    }

    /** Comparing two values or printing one, its characters not included. */
    void value() {
        spend(VALUE);
    }

    /** One place found in a text. */
    void match() {
        spend(MATCH);
    }

    /** Counts the copy of a text before it is made. */
    void text(long length) {
        checkLength(length);
        spend(length);
    }

    String text(String text) {
        text(text.length());
        return text;
    }

    /** Appends a text and counts its copy. */
    void append(StringBuilder out, String text) {
        checkLength((long) out.length() + text.length());
        spend(text.length());
        out.append(text);
    }

    /** Counts characters that are looked at one by one, before that is done. */
    void scanned(long length) {
        spend(length * SCANNED);
    }

    /** Counts characters that are converted or written one by one, before that is done. */
    void written(long length) {
        spend(length * WRITTEN);
    }

    static void checkLength(long length) {
        if (length > MAX_TEXT) {
            throw new TemplateException("the template makes a text above " + MAX_TEXT + " characters");
        }
    }

    <T> List<T> items(List<T> items) {
        checkItems(items.size());
        spend((long) items.size() * STEP);
        return items;
    }

    static void checkItems(int size) {
        if (size > MAX_ITEMS) {
            throw new TemplateException("the template makes a list above " + MAX_ITEMS + " items");
        }
    }

    /** Counts a search: the text once, and the part once for every place where its first character stands. */
    void search(String text, String part) {
        text(text.length());
        for (int at = part.length() < 2 ? -1 : text.indexOf(part.charAt(0));
                at >= 0;
                at = text.indexOf(part.charAt(0), at + 1)) {
            spend(part.length());
        }
    }

    private void spend(long units) {
        if (units > MAX_WORK - work) {
            work = MAX_WORK;
            throw new TemplateException(
                    "the template takes more work than is allowed, " + MAX_WORK + " units of about a copied character");
        }
        work += units;
    }
}
