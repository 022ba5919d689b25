package io.kvscale.job.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;

/**
 * Java serialization of values that travel between driver and tasks. Spark may be configured to use Kryo for data, and
 * Kryo cannot serialize records on Java 17.
 */
public final class JavaSerde {
    private JavaSerde() {}

    public static byte[] bytes(Serializable value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ObjectOutputStream objects = new ObjectOutputStream(out)) {
            objects.writeObject(value);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot serialize " + value.getClass(), e);
        }
        return out.toByteArray();
    }

    public static <T> T value(byte[] bytes, Class<T> type) {
        try (ObjectInputStream objects = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
            return type.cast(objects.readObject());
        } catch (IOException | ClassNotFoundException e) {
            throw new IllegalStateException("a task's bytes are not a " + type.getSimpleName(), e);
        }
    }
}
