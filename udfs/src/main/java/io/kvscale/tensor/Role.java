package io.kvscale.tensor;

import java.util.Locale;
import java.util.Optional;

/** Which half of the cache a tensor belongs to: K or V. Errors and tables list them in this order. */
public enum Role {
    KEY("key", "k_scale"),
    VALUE("value", "v_scale");

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
            default -> Optional.empty();
        };
    }

    /** {@code key} or {@code value}, as in recipes and results. */
    public String word() {
        return word;
    }

    /** {@code k_scale} or {@code v_scale}, as in serving engines. */
    public String scaleName() {
        return scaleName;
    }
}
