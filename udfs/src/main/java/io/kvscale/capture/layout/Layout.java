package io.kvscale.capture.layout;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The axes of a captured tensor: B batch, S or T tokens, H KV heads, D head_dim. */
public enum Layout {
    /** K or V: {@code [batch, kv_heads, tokens, head_dim]}. */
    BHSD("BHSD"),
    /** K or V of one sample: {@code [tokens, kv_heads, head_dim]}; the last two may be merged. */
    SHD("SHD"),
    /** K and V of one sample: {@code [2, tokens, kv_heads, head_dim]}; the last two may be merged. */
    THD2("2THD");

    private final String word;

    Layout(String word) {
        this.word = word;
    }

    /** The word for recipes. */
    public String word() {
        return word;
    }

    /** The layout with this word, in upper or lower case. */
    public static Optional<Layout> named(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(layout -> layout.word.equals(upper))
                .findFirst();
    }
}
