package io.kvscale.tensor;

/** Which half of the cache a tensor belongs to. Declared in the order in which errors and tables list them. */
public enum Role {
    KEY("key", "k_scale"),
    VALUE("value", "v_scale");

    private final String word;
    private final String scaleName;

    Role(String word, String scaleName) {
        this.word = word;
        this.scaleName = scaleName;
    }

    /** {@code key} or {@code value}, as recipes and results spell it. */
    public String word() {
        return word;
    }

    /** {@code k_scale} or {@code v_scale}, as serving engines spell it. */
    public String scaleName() {
        return scaleName;
    }
}
