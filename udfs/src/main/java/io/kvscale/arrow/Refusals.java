package io.kvscale.arrow;

import io.kvscale.tensor.InvalidDataException;
import java.util.function.Supplier;

/** The errors of this package about a file. */
final class Refusals {
    private static final String REWRITE =
            "the file is damaged, cut off or still being written: copy it again, or write it with an Arrow library";

    private Refusals() {}

    static InvalidDataException damaged(String what) {
        return refusal("damaged Arrow data: " + what, REWRITE);
    }

    static InvalidDataException refusal(String what, String remedy) {
        return new InvalidDataException(what, remedy);
    }

    /**
     * Runs code that reads metadata with the FlatBuffers classes. They do not check the data: missing or malformed fields
     * and positions out of bounds cause any runtime exception.
     */
    static <T> T guarded(String part, Supplier<T> parsing) {
        try {
            return parsing.get();
        } catch (InvalidDataException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new InvalidDataException(damaged(part + " cannot be read").problem(), e);
        }
    }
}
