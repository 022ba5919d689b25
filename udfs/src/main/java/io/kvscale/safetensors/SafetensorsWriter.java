package io.kvscale.safetensors;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
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
        new DataOutputStream(out).writeLong(Long.reverseBytes(header.length));
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
        ObjectNode root = Json.MAPPER.createObjectNode();
        if (!metadata.isEmpty()) {
            root.putPOJO("__metadata__", metadata);
        }
        long at = 0;
        for (Tensor tensor : tensors) {
            root.putObject(tensor.name)
                    .put("dtype", tensor.dtype)
                    .putPOJO("shape", tensor.shape)
                    .putPOJO("data_offsets", List.of(at, at + tensor.length));
            at += tensor.length;
        }
        byte[] json = Json.MAPPER.writeValueAsBytes(root);
        byte[] padded = Arrays.copyOf(json, (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        if (padded.length > SafetensorsHeader.MAX_HEADER_BYTES) {
            throw new IllegalStateException("a header of " + padded.length + " bytes is more than readers accept, "
                    + SafetensorsHeader.MAX_HEADER_BYTES);
        }
        return padded;
    }

    private static long bytes(String dtype, List<Long> shape) {
        ElementType type = ElementType.named(dtype);
        if (type == null
                || shape.size() > EntryParser.MAX_RANK
                || shape.stream().anyMatch(d -> d < 0)) {
            throw new IllegalArgumentException("not a tensor of the format: " + dtype + shape);
        }
        long bits;
        try {
            bits = type.bits(shape);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("too large: " + dtype + shape, e);
        }
        if (bits % Byte.SIZE != 0) {
            throw new IllegalArgumentException("not whole bytes: " + dtype + shape);
        }
        return bits / Byte.SIZE;
    }

    private record Tensor(String name, String dtype, List<Long> shape, long length, Body body) {}
}
