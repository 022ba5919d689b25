package io.kvscale.input;

import java.io.IOException;

/** A file that must not be read, or not be relied on. Reading it again gives the same. */
public final class UnusableFileException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String what;
    private final String remedy;

    UnusableFileException(String what, String remedy) {
        super(what + "; " + remedy);
        this.what = what;
        this.remedy = remedy;
    }

    /** What is wrong, without the file's path. */
    public String what() {
        return what;
    }

    public String remedy() {
        return remedy;
    }
}
