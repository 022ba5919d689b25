package io.kvscale.model.onnx.file;

import ai.onnxruntime.OnnxJavaType;
import io.kvscale.numeric.Dtype;
import java.util.Map;
import java.util.Optional;

/** Element types of ONNX (TensorProto.DataType). */
public final class OnnxTypes {
    public static final int FLOAT = 1;
    public static final int INT32 = 6;
    public static final int INT64 = 7;
    public static final int FLOAT16 = 10;
    public static final int BFLOAT16 = 16;

    /** All types of fixed size, by number. */
    private static final Map<Integer, Type> TYPES = Map.ofEntries(
            Map.entry(FLOAT, new Type("float32", 32)),
            Map.entry(2, new Type("uint8", 8)),
            Map.entry(3, new Type("int8", 8)),
            Map.entry(4, new Type("uint16", 16)),
            Map.entry(5, new Type("int16", 16)),
            Map.entry(INT32, new Type("int32", 32)),
            Map.entry(INT64, new Type("int64", 64)),
            Map.entry(9, new Type("bool", 8)),
            Map.entry(FLOAT16, new Type("float16", 16)),
            Map.entry(11, new Type("float64", 64)),
            Map.entry(12, new Type("uint32", 32)),
            Map.entry(13, new Type("uint64", 64)),
            Map.entry(14, new Type("complex64", 64)),
            Map.entry(15, new Type("complex128", 128)),
            Map.entry(BFLOAT16, new Type("bfloat16", 16)),
            Map.entry(17, new Type("float8e4m3fn", 8)),
            Map.entry(18, new Type("float8e4m3fnuz", 8)),
            Map.entry(19, new Type("float8e5m2", 8)),
            Map.entry(20, new Type("float8e5m2fnuz", 8)),
            Map.entry(21, new Type("uint4", 4)),
            Map.entry(22, new Type("int4", 4)),
            Map.entry(23, new Type("float4e2m1", 4)));

    private record Type(String name, int bits) {}

    private OnnxTypes() {}

    /** The type of K, V or logits; empty for types that they cannot have. */
    public static Optional<Dtype> dtype(int elementType) {
        return switch (elementType) {
            case FLOAT -> Optional.of(Dtype.F32);
            case FLOAT16 -> Optional.of(Dtype.F16);
            case BFLOAT16 -> Optional.of(Dtype.BF16);
            default -> Optional.empty();
        };
    }

    /** The element type of a cache. */
    public static int number(Dtype dtype) {
        return switch (dtype) {
            case F32 -> FLOAT;
            case F16 -> FLOAT16;
            case BF16 -> BFLOAT16;
        };
    }

    /** The type as ONNX Runtime names it. */
    public static OnnxJavaType javaType(Dtype dtype) {
        return switch (dtype) {
            case F32 -> OnnxJavaType.FLOAT;
            case F16 -> OnnxJavaType.FLOAT16;
            case BF16 -> OnnxJavaType.BFLOAT16;
        };
    }

    /** Whether it is a type of token ids, masks and positions. */
    public static boolean isInteger(int elementType) {
        return elementType == INT32 || elementType == INT64;
    }

    /** The name as in {@code float32}, or a text that tells the number of an unknown type. */
    public static String name(int elementType) {
        Type type = TYPES.get(elementType);
        return type == null ? "of type " + elementType : type.name();
    }

    /** Bits of one value; 0 for an unknown type. */
    public static int bits(int elementType) {
        Type type = TYPES.get(elementType);
        return type == null ? 0 : type.bits();
    }
}
