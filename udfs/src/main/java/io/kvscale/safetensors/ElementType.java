package io.kvscale.safetensors;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The element types of the format with their widths in bits. */
enum ElementType {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    C64(64),
    F64(64),
    I64(64),
    U64(64);

    private static final Map<String, ElementType> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(ElementType::name, Function.identity()));

    private final int bits;

    ElementType(int bits) {
        this.bits = bits;
    }

    /** The type with exactly this name; null if there is none. */
    static @Nullable ElementType named(String name) {
        return BY_NAME.get(name);
    }

    /** All names, for messages. */
    static String names() {
        return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
    }

    /**
     * The size in bits of a tensor with this shape; no dimension is negative.
     *
     * @throws ArithmeticException if the product of the dimensions other than 0 does not fit 63 bits
     */
    long bits(List<Long> shape) {
        long product = bits;
        for (long dimension : shape) {
            product = Math.multiplyExact(product, Math.max(1, dimension));
        }
        return shape.contains(0L) ? 0 : product;
    }
}
