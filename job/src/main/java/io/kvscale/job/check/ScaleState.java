package io.kvscale.job.check;

/** What an engine does with the scale of a slot. */
public enum ScaleState {
    /** The engine runs with the value of the checkpoint. */
    LOADED("loaded", true),
    /** The layer stays in 16 bits because the user says so. */
    SKIPPED("16 bits", true),
    /** The engine runs with 1.0, or does not use the scale. */
    UNSCALED("1.0", false),
    /** The engine runs with the value of the checkpoint, which is no usable scale. */
    INVALID("invalid", false),
    /** The engine runs with a value that is not that of the scales to compare with. */
    DIFFERENT("differs", false),
    /** The engine refuses to load the model. */
    REFUSED("refused", false);

    private final String word;
    private final boolean ok;

    ScaleState(String word, boolean ok) {
        this.word = word;
        this.ok = ok;
    }

    /** The word in tables and JSON. */
    public String word() {
        return word;
    }

    /** Whether the slot runs as intended. */
    public boolean isOk() {
        return ok;
    }
}
