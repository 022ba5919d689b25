package io.kvscale.tensor;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether a tensor holds K, V or Q. A cache holds K and V; queries are observed only where a recipe asks for them. Errors and
 * tables list them in this order.
 */
public enum Role {
    KEY("key", "k_scale"),
    VALUE("value", "v_scale"),
    QUERY("query", "q_scale");

    /** The roles that a KV cache stores. */
    public static final List<Role> CACHED = List.of(KEY, VALUE);

    private final String word;
    private final String scaleName;

    Role(String word, String scaleName) {
        this.word = word;
        this.scaleName = scaleName;
    }

    /** The role with this word or its first letter, in upper or lower case; empty if there is none. */
    public static Optional<Role> named(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "key", "k" -> Optional.of(KEY);
            case "value", "v" -> Optional.of(VALUE);
            case "query", "q" -> Optional.of(QUERY);
            default -> Optional.empty();
        };
    }

    /** {@code key}, {@code value} or {@code query}, as in recipes and results. */
    public String word() {
        return word;
    }

    /** {@code K}, {@code V} or {@code Q}, as in messages. */
    public String letter() {
        return name().substring(0, 1);
    }

    /** Whether a KV cache stores tensors of this role. */
    public boolean isCached() {
        return this != QUERY;
    }

    /** {@code k_scale}, {@code v_scale} or {@code q_scale}, as in serving engines. */
    public String scaleName() {
        return scaleName;
    }
}
