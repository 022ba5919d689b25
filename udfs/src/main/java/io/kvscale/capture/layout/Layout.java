package io.kvscale.capture.layout;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What the axes of a captured tensor are: B batch, S or T tokens, H KV heads, D head_dim. */
public enum Layout {
    /** One tensor for K or V: {@code [batch, kv_heads, tokens, head_dim]}. */
    BHSD("BHSD"),
    /** One tensor for K or V of one sample: {@code [tokens, kv_heads, head_dim]}, or the last two merged. */
    SHD("SHD"),
    /** K and V of one sample in one tensor: {@code [2, tokens, kv_heads, head_dim]}, or the last two merged. */
    THD2("2THD");

    private final String word;

    Layout(String word) {
        this.word = word;
    }

    /** The word that recipes use. */
    public String word() {
        return word;
    }

    /** The layout of that word, whatever its case. */
    public static Optional<Layout> named(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(layout -> layout.word.equals(upper))
                .findFirst();
    }
}
