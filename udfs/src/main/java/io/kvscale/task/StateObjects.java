package io.kvscale.task;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputFilter.Status;
import java.io.ObjectInputStream;

/**
 * Reads serialized objects that a file may have held. Only values of this project and plain collections of them are created,
 * and no array that is longer than all bytes.
 */
public final class StateObjects {
    private static final ObjectInputFilter VALUES = ObjectInputFilter.Config.createFilter(
            "io.kvscale.task.*;io.kvscale.tensor.*;io.kvscale.numeric.*;io.kvscale.observer.**"
                    + ";java.util.TreeMap;java.util.ArrayList;java.util.CollSer;java.util.ImmutableCollections$List12"
                    + ";java.util.ImmutableCollections$ListN;java.lang.Object;java.lang.String;java.lang.Number"
                    + ";java.lang.Long;java.lang.Integer;java.lang.Enum;!*");

    private StateObjects() {}

    static ObjectInputStream open(byte[] bytes) throws IOException {
        ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes));
        in.setObjectInputFilter(info -> info.arrayLength() > bytes.length ? Status.REJECTED : VALUES.checkInput(info));
        return in;
    }

    /**
     * Reads one object.
     *
     * @throws IllegalStateException if these bytes are something else
     */
    public static <T> T read(byte[] bytes, Class<T> type) {
        try (ObjectInputStream in = open(bytes)) {
            return type.cast(in.readObject());
        } catch (IOException | ClassNotFoundException | ClassCastException e) {
            throw new IllegalStateException("these bytes are not a " + type.getSimpleName(), e);
        }
    }
}
