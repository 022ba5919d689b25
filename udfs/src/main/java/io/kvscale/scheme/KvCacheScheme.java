package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes {@code kv_cache_scheme} as a decoded YAML or JSON mapping, with the keys of compressed-tensors'
 * {@code QuantizationArgs}.
 *
 * <p>Defaults are those of compressed-tensors, except for the observer, {@code static_minmax}. Three keys differ from
 * compressed-tensors:
 *
 * <ul>
 *   <li>{@code format} is the layout of a float: with {@code num_bits: 8, type: float}, {@code e4m3} (default) or
 *       {@code e5m2}.
 *   <li>{@code global_scale} is the convention of NVFP4: with {@code strategy: tensor_group}, {@code absmax_448}
 *       (default), {@code multiplier} or {@code divisor}.
 *   <li>{@code scale_dtype} is {@code float32} (default) or {@code input}. Other values, which llm-compressor writes, have no
 *       effect.
 * </ul>
 */
public final class KvCacheScheme {
    private KvCacheScheme() {}

    /** All keys of the mapping. */
    public static Vocabulary keys() {
        return SchemeFields.KEYS;
    }

    /** {@link #parse(Map, Consumer)} that does not report keys without effect. */
    public static QuantizationScheme parse(Map<String, ?> fields) {
        return parse(fields, key -> {});
    }

    /**
     * The scheme of a mapping.
     *
     * @param notActedOn receives each key that is valid but has no effect
     * @throws InvalidSchemeException for an unknown key, a wrong type or an unsupported combination, with the remedy
     */
    public static QuantizationScheme parse(Map<String, ?> fields, Consumer<String> notActedOn) {
        return new SchemeFields(fields).read(notActedOn);
    }

    /**
     * The canonical fields of a scheme in the order of {@code kv_scales.json}. {@link #parse} restores the scheme. Values are
     * strings, booleans, numbers, mappings and null.
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
     * The fields of {@code kv_cache_scheme} in a model's {@code config.json}: only keys that compressed-tensors accepts.
     *
     * @throws InvalidSchemeException for a format that needs {@code format}, such as fp8 e5m2, and for an NVFP4 scale that
     *     multiplies: compressed-tensors would read another format or a divisor
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
        if (scheme.globalScale() != null && !scheme.globalScale().divides()) {
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
