package io.kvscale.tensor;

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

    /** {@code key} or {@code value}, as in recipes and results. */
    public String word() {
        return word;
    }

    /** {@code k_scale} or {@code v_scale}, as in serving engines. */
    public String scaleName() {
        return scaleName;
    }
}
