package io.kvscale.job;

import io.kvscale.safetensors.SafetensorsWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;

/** Builds a safetensors file of K and V. Every supported dtype holds its values exactly. */
public final class Capture {
    private final SafetensorsWriter file = new SafetensorsWriter();

    /** Random values: multiples of 1/16, at most 16 in magnitude, never all zero. */
    public static IntToDoubleFunction random(long seed) {
        List<Double> values = new ArrayList<>();
        Random random = new Random(seed);
        return i -> {
            while (values.size() <= i) {
                values.add((random.nextInt(255) - 127) / 16.0 + (values.isEmpty() ? 8 : 0));
            }
            return values.get(i);
        };
    }

    /** A valid capture with 2 heads of head_dim 32: {@code layers.N.keys} and {@code layers.N.values}, BF16. */
    public static Capture of(int layers, int tokens, long seed) {
        Capture capture = new Capture();
        for (int layer = 0; layer < layers; layer++) {
            capture.pair(layer, tokens, seed + layer * 1000L);
        }
        return capture;
    }

    public Capture pair(int layer, int tokens, long seed) {
        return key(layer, tokens, seed).value(layer, tokens, seed + 1);
    }

    public Capture key(int layer, int tokens, long seed) {
        return add("layers." + layer + ".keys", "BF16", List.of(1L, 2L, (long) tokens, 32L), random(seed));
    }

    public Capture value(int layer, int tokens, long seed) {
        return add("layers." + layer + ".values", "BF16", List.of(1L, 2L, (long) tokens, 32L), random(seed));
    }

    public Capture add(String name, String dtype, List<Long> shape, IntToDoubleFunction values) {
        int count = Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact));
        ByteBuffer bytes = ByteBuffer.allocate(count * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            put(bytes, dtype, values.applyAsDouble(i));
        }
        byte[] data = new byte[bytes.position()];
        bytes.flip().get(data);
        return raw(name, dtype, shape, data);
    }

    public Capture raw(String name, String dtype, List<Long> shape, byte[] data) {
        file.add(name, dtype, shape, data);
        return this;
    }

    public Capture metadata(String key, String value) {
        file.metadata(key, value);
        return this;
    }

    public static void put(ByteBuffer to, String dtype, double value) {
        switch (dtype) {
            case "F32" -> to.putFloat((float) value);
            case "BF16" -> to.putShort((short) (Float.floatToRawIntBits((float) value) >>> 16));
            case "F16" -> to.putShort(half(value));
            case "I64" -> to.putLong((long) value);
            case "I32" -> to.putInt((int) value);
            case "U8", "I8", "BOOL", "F8_E4M3" -> to.put((byte) value);
            case "F64" -> to.putDouble(value);
            default -> throw new IllegalArgumentException(dtype);
        }
    }

    /** The F16 bits of a normal number, zero or infinity that F16 holds exactly. */
    private static short half(double value) {
        int bits = Float.floatToRawIntBits((float) value);
        int sign = bits >>> 16 & 0x8000;
        if ((bits & 0x7fffffff) == 0) {
            return (short) sign;
        }
        return (short) (sign | ((bits & 0x7fffffff) - (112 << 23)) >>> 13);
    }

    public byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            file.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    public Path write(Path path) {
        return put(path, bytes());
    }

    public static Path put(Path path, byte[] bytes) {
        try {
            Files.createDirectories(path.getParent());
            return Files.write(path, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
