package io.kvscale.input;

/** An invalid option or recipe value. The message says what is wrong, then the remedy. */
public final class InvalidOptionException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String what;
    private final String remedy;

    public InvalidOptionException(String what, String remedy) {
        super(what + "; " + remedy);
        this.what = what;
        this.remedy = remedy;
    }

    public String what() {
        return what;
    }

    public String remedy() {
        return remedy;
    }
}
