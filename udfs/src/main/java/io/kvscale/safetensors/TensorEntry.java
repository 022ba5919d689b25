package io.kvscale.safetensors;

import java.util.List;

/**
 * One tensor of a safetensors file, as its header describes it.
 *
 * <p>Entries from {@link SafetensorsHeader#read} are checked: {@code dtype} is a type of the format, no dimension is
 * negative, {@code begin <= end} lie within the file, and shape x dtype is exactly {@link #bytes()}.
 *
 * @param name the tensor's name
 * @param dtype the element type by its safetensors name, such as {@code BF16}
 * @param shape the dimensions, slowest first; empty for a scalar
 * @param begin the first byte, counted from the start of the file
 * @param end the byte after the last
 */
public record TensorEntry(String name, String dtype, List<Long> shape, long begin, long end) {
    public TensorEntry {
        shape = List.copyOf(shape);
    }

    /** Bytes of the tensor's data. */
    public long bytes() {
        return end - begin;
    }
}
