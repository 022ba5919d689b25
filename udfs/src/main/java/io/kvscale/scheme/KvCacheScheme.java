package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * {@code kv_cache_scheme} in the words of compressed-tensors' {@code QuantizationArgs}, read and written as a decoded
 * YAML or JSON mapping.
 *
 * <p>Defaults are those of compressed-tensors but for the observer, {@code static_minmax} here. Three words are ours:
 * {@code format: e5m2}, beside {@code num_bits: 8, type: float}, is the other fp8 ({@code e4m3} the usual one);
 * {@code global_scale}, beside {@code strategy: tensor_group}, is the convention of NVFP4, {@code divisor} (the usual one) or
 * {@code multiplier}; and {@code scale_dtype} may be {@code float32} or {@code input}; any other value of that key is
 * llm-compressor's own business and not acted on.
 */
public final class KvCacheScheme {
    private KvCacheScheme() {}

    /** {@link #parse(Map, Consumer)} without a word about keys that are not acted on. */
    public static QuantizationScheme parse(Map<String, ?> fields) {
        return parse(fields, key -> {});
    }

    /**
     * The scheme that a mapping stands for.
     *
     * @param notActedOn told each key that is valid but changes nothing here
     * @throws InvalidSchemeException for an unknown key, a wrong type or a pair that is not served, with the remedy
     */
    public static QuantizationScheme parse(Map<String, ?> fields, Consumer<String> notActedOn) {
        return new SchemeFields(fields).read(notActedOn);
    }

    /**
     * The canonical fields of a scheme, in the order in which {@code kv_scales.json} lists them; {@link #parse} gives
     * the same scheme back. Values are strings, booleans, numbers, mappings and null.
     */
    public static Map<String, @Nullable Object> fields(QuantizationScheme scheme) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.putAll(formatFields(scheme.format()));
        fields.put("strategy", scheme.strategy().word());
        fields.put("group_size", groupSize(scheme));
        GlobalScale globalScale = scheme.globalScale();
        if (globalScale != null) {
            fields.put(SchemeFields.GLOBAL_SCALE, globalScale.word());
        }
        fields.put("symmetric", scheme.symmetric());
        fields.put("observer", scheme.observer().word());
        fields.put("observer_kwargs", scheme.observer().kwargs());
        fields.put("scale_dtype", scheme.scaleDtype().word());
        return Collections.unmodifiableMap(fields);
    }

    /**
     * The fields as a model's {@code config.json} holds them under {@code kv_cache_scheme}: exactly those that
     * compressed-tensors' readers know, for they refuse others.
     *
     * @throws InvalidSchemeException for fp8 e5m2, which they would take for e4m3, and for an NVFP4 multiplier, which they
     *     would take for a divisor
     */
    public static Map<String, @Nullable Object> compressedTensorsFields(QuantizationScheme scheme) {
        NumberFormat format = scheme.format();
        if (!format.isUsual()) {
            throw new InvalidSchemeException(
                    SchemeFields.FORMAT,
                    "compressed-tensors cannot express " + format.word(),
                    "use "
                            + NumberFormat.with(format.bits(), format.type())
                                    .get(0)
                                    .word() + ": num_bits " + format.bits() + ", type " + format.type()
                            + ", without format");
        }
        if (scheme.globalScale() == GlobalScale.MULTIPLIER) {
            throw new InvalidSchemeException(
                    SchemeFields.GLOBAL_SCALE,
                    "compressed-tensors cannot express a global scale that multiplies",
                    "say global_scale: divisor");
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.putAll(formatFields(format));
        fields.put("symmetric", scheme.symmetric());
        fields.put("group_size", groupSize(scheme));
        fields.put("strategy", scheme.strategy().word());
        fields.put("block_structure", null);
        fields.put("dynamic", scheme.strategy() == Strategy.TENSOR_GROUP ? SchemeFields.LOCAL : false);
        fields.put("actorder", null);
        fields.put("observer", scheme.observer().word());
        fields.put("observer_kwargs", scheme.observer().kwargs());
        return Collections.unmodifiableMap(fields);
    }

    /** {@code num_bits}, {@code type} and, unless these two are enough, {@code format}. */
    public static Map<String, Object> formatFields(NumberFormat format) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("num_bits", format.bits());
        fields.put("type", format.type());
        if (!format.isUsual()) {
            fields.put(SchemeFields.FORMAT, format.layout());
        }
        return fields;
    }

    private static @Nullable Integer groupSize(QuantizationScheme scheme) {
        return scheme.groupSize() > 0 ? scheme.groupSize() : null;
    }
}
