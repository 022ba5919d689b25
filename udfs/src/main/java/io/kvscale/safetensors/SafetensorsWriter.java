package io.kvscale.safetensors;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a safetensors file; the same calls give the same bytes. See {@link SafetensorsHeader} for the bytes.
 *
 * <p>Tensors and metadata keep the order in which they were added. The header is padded with spaces so that the data
 * begins at a multiple of 8 bytes. Each tensor's data is produced while it is written, so a file may exceed memory.
 */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private long dataLength;

    /** Writes a tensor's data, row-major and little-endian: exactly the bytes that its shape and dtype need. */
    @FunctionalInterface
    public interface Body {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Adds an entry to {@code __metadata__}; replaces the value of a known key. */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Adds a tensor with its data, which is not copied. */
    public SafetensorsWriter add(String name, String dtype, List<Long> shape, byte[] data) {
        long expected = bytes(dtype, shape);
        if (expected != data.length) {
            throw new IllegalArgumentException(
                    name + ": expected " + expected + " bytes for " + dtype + shape + ", got " + data.length);
        }
        return add(name, dtype, shape, out -> out.write(data));
    }

    /**
     * Adds a tensor whose data the body writes, once for each {@link #writeTo}.
     *
     * @param name unique, and not {@code __metadata__}
     * @param dtype the element type by its safetensors name
     * @param shape the dimensions, slowest first; at most 8, none negative
     * @throws IllegalArgumentException if a reader of the format would refuse the tensor
     */
    public SafetensorsWriter add(String name, String dtype, List<Long> shape, Body body) {
        long length = bytes(dtype, shape);
        if (!HeaderParser.isName(name) || name.equals("__metadata__") || !names.add(name)) {
            throw new IllegalArgumentException("the name is reserved, used twice, too long or not Unicode: " + name);
        }
        tensors.add(new Tensor(name, dtype, List.copyOf(shape), length, body));
        dataLength = Math.addExact(dataLength, length);
        return this;
    }

    /**
     * Writes the whole file, unbuffered; {@code out} stays open.
     *
     * @return bytes written
     * @throws IOException if {@code out} or a body fails
     * @throws IllegalStateException if a body writes more or fewer bytes than its tensor has, or the header is longer
     *     than readers accept
     */
    public long writeTo(OutputStream out) throws IOException {
        byte[] header = header();
        out.write(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .array());
        out.write(header);
        for (Tensor tensor : tensors) {
            ExactOutput exact = new ExactOutput(out, tensor.name, tensor.length);
            tensor.body.writeTo(exact);
            exact.finish();
        }
        return Long.BYTES + header.length + dataLength;
    }

    /** The file offset of the first tensor's data, in bytes; adding tensors or metadata moves it. */
    public long dataBegin() {
        try {
            return Long.BYTES + header().length;
        } catch (IOException e) {
            throw new UncheckedIOException(e); // cannot happen: written to memory
        }
    }

    private byte[] header() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes, JsonEncoding.UTF8)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart("__metadata__");
                for (Map.Entry<String, String> e : metadata.entrySet()) {
                    json.writeStringField(e.getKey(), e.getValue());
                }
                json.writeEndObject();
            }
            long at = 0;
            for (Tensor tensor : tensors) {
                json.writeObjectFieldStart(tensor.name);
                json.writeStringField("dtype", tensor.dtype);
                json.writeFieldName("shape");
                long[] dims = longs(tensor.shape);
                json.writeArray(dims, 0, dims.length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {at, at + tensor.length}, 0, 2);
                json.writeEndObject();
                at += tensor.length;
            }
            json.writeEndObject();
        }
        while (bytes.size() % ALIGNMENT != 0) {
            bytes.write(' ');
        }
        if (bytes.size() > SafetensorsHeader.MAX_HEADER_BYTES) {
            throw new IllegalStateException("a header of " + bytes.size() + " bytes is more than readers accept, "
                    + SafetensorsHeader.MAX_HEADER_BYTES);
        }
        return bytes.toByteArray();
    }

    private static long bytes(String dtype, List<Long> shape) {
        ElementType type = ElementType.named(dtype);
        long[] dims = longs(shape);
        if (type == null
                || dims.length > EntryParser.MAX_RANK
                || Arrays.stream(dims).anyMatch(d -> d < 0)) {
            throw new IllegalArgumentException("not a tensor of the format: " + dtype + shape);
        }
        long bits;
        try {
            bits = type.bits(dims, dims.length);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("too large: " + dtype + shape, e);
        }
        if (bits % Byte.SIZE != 0) {
            throw new IllegalArgumentException("not whole bytes: " + dtype + shape);
        }
        return bits / Byte.SIZE;
    }

    private static long[] longs(List<Long> shape) {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    private record Tensor(String name, String dtype, List<Long> shape, long length, Body body) {}
}
