package io.kvscale.safetensors;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.assertj.core.api.Assertions;

/** Builds files byte by byte, so that they can violate the format. */
public final class TestFile {
    private TestFile() {}

    public static byte[] of(String json, int dataLength) {
        return of(json.getBytes(StandardCharsets.UTF_8), dataLength);
    }

    public static byte[] of(byte[] header, int dataLength) {
        return withLength(header.length, header, dataLength);
    }

    /** A file with any value in its length field. */
    public static byte[] withLength(long length, byte[] header, int dataLength) {
        return ByteBuffer.allocate(Long.BYTES + header.length + dataLength)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(header)
                .array();
    }

    public static SafetensorsHeader read(byte[] file) {
        return read(file, name -> true);
    }

    public static SafetensorsHeader read(byte[] file, Predicate<String> wanted) {
        try {
            return SafetensorsHeader.read(new ByteArrayInputStream(file), file.length, wanted);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The problem for which a file is refused. */
    public static DataProblem refused(byte[] file) {
        InvalidDataException e =
                Assertions.catchThrowableOfType(InvalidDataException.class, () -> read(file, name -> true));
        Assertions.assertThat(e).as("expected the file to be refused").isNotNull();
        return e.problem();
    }
}
