package io.kvscale.option;

/** What a recipe key applies to. */
public enum KeyScope {
    FILES("captures", true),
    CAPTURES("captures, tables", true),
    TABLES("tables", true),
    LAYERS("captures, tables, text", true),
    STATISTICS("captures, tables, text", false),
    SCALES("scales", false),
    TEXT("text", false);

    private final String shown;
    private final boolean source;

    KeyScope(String shown, boolean source) {
        this.shown = shown;
        this.source = source;
    }

    /** The words of the reference in conf/README.md. */
    public String shown() {
        return shown;
    }

    /** Whether the key is also an option of the {@code kvtensors} data source. */
    public boolean isSourceOption() {
        return source;
    }
}
