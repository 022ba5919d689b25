package io.kvscale.jinja;

import java.util.List;

/** How much a template may do: templates come with models and are untrusted. */
final class Budget {
    /** Characters of a text. */
    static final int MAX_TEXT = 64 << 20;

    private static final int MAX_ITEMS = 1_000_000;
    private static final long MAX_STEPS = 50_000_000;
    private static final int CHARACTERS_A_STEP = 32;

    private long steps;

    void step() {
        spend(1);
    }

    /** Counts work on a text before it is done. */
    void text(long length) {
        if (length > MAX_TEXT) {
            throw new TemplateException("the template makes a text above " + MAX_TEXT + " characters");
        }
        spend(length / CHARACTERS_A_STEP);
    }

    String text(String text) {
        text(text.length());
        return text;
    }

    <T> List<T> items(List<T> items) {
        checkItems(items.size());
        spend(items.size());
        return items;
    }

    static void checkItems(int size) {
        if (size > MAX_ITEMS) {
            throw new TemplateException("the template makes a list above " + MAX_ITEMS + " items");
        }
    }

    /** Counts the work of looking for a part of a text, which at its worst is the product of the lengths. */
    void search(String text, String part) {
        text(text.length());
        spend((long) text.length() / CHARACTERS_A_STEP * (part.length() / CHARACTERS_A_STEP));
    }

    private void spend(long count) {
        steps += count;
        if (steps > MAX_STEPS) {
            throw new TemplateException("the template does more than " + MAX_STEPS + " steps");
        }
    }
}
