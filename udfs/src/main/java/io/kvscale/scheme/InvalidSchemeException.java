package io.kvscale.scheme;

/** An invalid or unsupported {@code kv_cache_scheme}. The message says what is wrong, then what to do. */
public final class InvalidSchemeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String key;
    private final String what;
    private final String remedy;

    /** @param key the invalid key of the scheme */
    public InvalidSchemeException(String key, String what, String remedy) {
        super(what + "; " + remedy);
        this.key = key;
        this.what = what;
        this.remedy = remedy;
    }

    /** The invalid key of the scheme, such as {@code num_bits} or {@code observer_kwargs.averaging_constant}. */
    public String key() {
        return key;
    }

    public String what() {
        return what;
    }

    public String remedy() {
        return remedy;
    }
}
