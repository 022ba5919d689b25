package io.kvscale.jinja;

/** A template cannot be parsed or rendered; the message says why, and in which line if known. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;

    TemplateException(String message) {
        this(message, 0);
    }

    TemplateException(String message, int line) {
        super(message);
        this.line = line;
    }

    /** This error with a line, unless it already has one. */
    TemplateException at(int where) {
        return line > 0 || where <= 0 ? this : new TemplateException(getMessage() + ", in line " + where, where);
    }

    static TemplateException unsupported(String what) {
        return new TemplateException(what + " is not supported in chat templates");
    }
}
