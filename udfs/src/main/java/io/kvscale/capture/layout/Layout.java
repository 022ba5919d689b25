package io.kvscale.capture.layout;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The axes of a captured tensor: B batch, S or T tokens, H KV heads, D head_dim. */
public enum Layout {
    /** K or V: {@code [batch, kv_heads, tokens, head_dim]}. */
    BHSD("BHSD", "[batch, kv_heads, tokens, head_dim]"),
    /** K or V: {@code [batch, tokens, kv_heads, head_dim]}; the last two may be merged. */
    BSHD("BSHD", "[batch, tokens, kv_heads, head_dim] or [batch, tokens, kv_heads x head_dim]"),
    /** K or V of one sample: {@code [kv_heads, tokens, head_dim]}. */
    HSD("HSD", "[kv_heads, tokens, head_dim]"),
    /** K or V of one sample: {@code [tokens, kv_heads, head_dim]}; the last two may be merged. */
    SHD("SHD", "[tokens, kv_heads, head_dim] or [tokens, kv_heads x head_dim]"),
    /** K and V of one sample: {@code [2, tokens, kv_heads, head_dim]}; the last two may be merged. */
    THD2("2THD", "[2, tokens, kv_heads, head_dim] or [2, tokens, kv_heads x head_dim]");

    private final String word;
    private final String axes;

    Layout(String word, String axes) {
        this.word = word;
        this.axes = axes;
    }

    /**
     * The sizes of the axes.
     *
     * @param heads 0 if heads and head_dim are merged
     * @param width head_dim, or heads times head_dim if they are merged
     */
    record Axes(long batch, long tokens, long heads, long width) {}

    /** The axes of a shape; null if its rank does not fit. */
    @Nullable
    Axes axes(List<Long> shape) {
        return switch (this) {
            case BHSD -> shape.size() == 4 ? new Axes(shape.get(0), shape.get(2), shape.get(1), shape.get(3)) : null;
            case HSD -> shape.size() == 3 ? new Axes(1, shape.get(1), shape.get(0), shape.get(2)) : null;
            case BSHD -> shape.isEmpty() ? null : tokenMajor(shape.get(0), shape.subList(1, shape.size()));
            case SHD -> tokenMajor(1, shape);
            case THD2 -> shape.isEmpty() || shape.get(0) != 2 ? null : tokenMajor(1, shape.subList(1, shape.size()));
        };
    }

    private static @Nullable Axes tokenMajor(long batch, List<Long> shape) {
        return switch (shape.size()) {
            case 2 -> new Axes(batch, shape.get(0), 0, shape.get(1));
            case 3 -> new Axes(batch, shape.get(0), shape.get(1), shape.get(2));
            default -> null;
        };
    }

    /** Whether the values of a token are contiguous. */
    boolean isTokenMajor() {
        return this != BHSD && this != HSD;
    }

    /** The word for recipes. */
    public String word() {
        return word;
    }

    /** The axes in words, for messages. */
    public String described() {
        return axes;
    }

    /** The layout with this word, in upper or lower case. */
    public static Optional<Layout> named(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(layout -> layout.word.equals(upper))
                .findFirst();
    }
}
