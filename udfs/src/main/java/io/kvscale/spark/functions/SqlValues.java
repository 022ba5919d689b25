package io.kvscale.spark.functions;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeText;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.util.ArrayData;

/** Checks and converts the values of arguments. Errors name the function and the argument. */
final class SqlValues {
    private static final Vocabulary DTYPES = Vocabulary.of("F32", "BF16", "F16", "float32", "bfloat16", "float16");
    private static final Vocabulary ROLES = Vocabulary.of("key", "value", "query", "k", "v", "q");
    private static final Vocabulary STATISTICS =
            Vocabulary.of(StatisticsKind.RANGE.word(), StatisticsKind.HISTOGRAM.word());

    private SqlValues() {}

    static InvalidDataException wrong(String function, String argument, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(function + ": argument " + argument + ": " + what, remedy));
    }

    static Dtype dtype(String function, String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "f32", "float32" -> Dtype.F32;
            case "bf16", "bfloat16" -> Dtype.BF16;
            case "f16", "float16" -> Dtype.F16;
            default -> throw wrong(function, "dtype", "unknown dtype " + Given.shown(name), DTYPES.remedy(name));
        };
    }

    static Role role(String function, String name) {
        return Role.named(name)
                .orElseThrow(() -> wrong(function, "role", "unknown role " + Given.shown(name), ROLES.remedy(name)));
    }

    static StatisticsKind statistics(String function, String name) {
        if (StatisticsKind.PAIRS.equalsIgnoreCase(name)) {
            throw wrong(
                    function,
                    "statistics",
                    "norms of RoPE pairs need the model's config.json, which this function does not read",
                    "take range or histogram, or run kvscale calibrate with statistics: pairs in the recipe");
        }
        return Stream.of(StatisticsKind.RANGE, StatisticsKind.HISTOGRAM)
                .filter(kind -> kind.word().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> wrong(
                        function, "statistics", "unknown statistics " + Given.shown(name), STATISTICS.remedy(name)));
    }

    /** Parses a word of the vocabulary of schemes. */
    static <T> T parse(String function, String argument, String text, Function<String, T> parser) {
        try {
            return parser.apply(text);
        } catch (InvalidSchemeException e) {
            throw wrong(function, argument, e.what(), e.remedy());
        }
    }

    static NumberFormat format(String function, String name) {
        return parse(function, "format", name, SchemeText::format);
    }

    /** A format with one scale, or NVFP4 in any convention. */
    static QuantizationScheme formatOrNvfp4(String function, String name) {
        return parse(function, "format", name, SchemeText::ofOneScale);
    }

    /** @throws InvalidDataException unless the values are whole groups of NVFP4 */
    static void checkGroups(String function, String argument, byte[] values, Dtype dtype) {
        int count = values.length / dtype.bytes();
        if (count % QuantizationScheme.NVFP4_GROUP_SIZE != 0) {
            throw wrong(
                    function,
                    argument,
                    count + " values are not whole groups of " + QuantizationScheme.NVFP4_GROUP_SIZE
                            + ", as nvfp4 needs",
                    "pass whole tokens, row-major, with a head_dim divisible by "
                            + QuantizationScheme.NVFP4_GROUP_SIZE);
        }
    }

    /** A whole number within bounds. */
    static int whole(String function, String argument, long value, int least, int most) {
        if (value < least || value > most) {
            throw wrong(
                    function,
                    argument,
                    value + " is not within " + least + ".." + most,
                    "check that the right column is passed");
        }
        return (int) value;
    }

    /** A scale as a 32-bit float. */
    static float scale(String function, double given) {
        float scale = (float) given;
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw wrong(
                    function,
                    "scale",
                    given + " is not finite and above 0 as a 32-bit float",
                    "pass a scale from kv_scales or 'kvscale calibrate'");
        }
        return scale;
    }

    /** The elements as F32, little endian. */
    static byte[] bytesOfFloats(String function, String argument, ArrayData floats) {
        int n = floats.numElements();
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(n, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < n; i++) {
            if (floats.isNullAt(i)) {
                throw wrong(function, argument, "the element at index " + i + " is null", "pass numbers without NULL");
            }
            bytes.putFloat(floats.getFloat(i));
        }
        return bytes.array();
    }

    /** @throws InvalidDataException unless the bytes are whole values, all of them finite */
    static void checkFinite(String function, String argument, byte[] values, Dtype dtype) {
        if (values.length % dtype.bytes() != 0) {
            throw wrong(
                    function,
                    argument,
                    values.length + " bytes are not whole " + dtype + " values of " + dtype.bytes() + " bytes",
                    "check dtype, and that the data is complete");
        }
        ByteBuffer little = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        int infinity = dtype.infinityKey();
        for (int at = 0; at < values.length; at += dtype.bytes()) {
            int bits = dtype.get(little, at);
            if ((bits & infinity) == infinity) {
                throw wrong(
                        function,
                        argument,
                        "the value at index " + at / dtype.bytes() + " is " + dtype.toFloat(bits),
                        "remove NaN and infinities: no code represents them");
            }
        }
    }
}
