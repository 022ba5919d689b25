package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A scheme in one string: the mapping of a {@code kv_cache_scheme} as JSON or YAML, also under that key, or the short name
 * {@code FORMAT[:STRATEGY[:GROUP_SIZE]]}, as {@code fp8}, {@code int8:channel} or {@code int4:group:32}: symmetric, with
 * every default.
 */
public final class SchemeText {
    private static final String SCHEME = "kv_cache_scheme";
    private static final String SCALE_DTYPE = "scale_dtype";
    private static final Vocabulary FORMATS =
            Vocabulary.of("fp8", "fp8_e4m3", "fp8_e5m2", "int8", "int4", "fp4", "fp4_e2m1");
    private static final Pattern SHORT = Pattern.compile("[^\\s:{}\\[\\]'\"]+(:[^\\s:{}\\[\\]'\"]*)*");
    private static final String EXAMPLES =
            "give a kv_cache_scheme as YAML or JSON, or a short name as fp8, int8:channel or int4:group:32";

    private SchemeText() {}

    /** @throws InvalidSchemeException if it is neither, or says something that is not served, with the remedy */
    public static QuantizationScheme parse(String text) {
        String trimmed = text.strip();
        if (SHORT.matcher(trimmed).matches()) {
            return named(List.of(trimmed.split(":", -1)));
        }
        Object top;
        try {
            top = PlainYaml.load(text);
        } catch (PlainYaml.MalformedException e) {
            throw new InvalidSchemeException("", "neither YAML nor JSON: " + e.getMessage(), EXAMPLES);
        }
        if (top instanceof Map<?, ?> map && map.size() == 1 && map.containsKey(SCHEME)) {
            top = map.get(SCHEME);
        }
        if (!(top instanceof Map<?, ?> fields)) {
            throw new InvalidSchemeException("", "a scheme must be a mapping, got " + Given.shown(top), EXAMPLES);
        }
        // Keys that are no text are refused by name below.
        @SuppressWarnings("unchecked")
        Map<String, ?> words = (Map<String, ?>) fields;
        return KvCacheScheme.parse(words, key -> refuseScaleDtype(key, words.get(key)));
    }

    /** What a recipe's reader is only told of; here nobody would see it, and a slip of the pen would give other scales. */
    private static void refuseScaleDtype(String key, @Nullable Object given) {
        if (key.equals(SCALE_DTYPE)) {
            throw new InvalidSchemeException(
                    key,
                    "scale_dtype must be float32 or input, got " + Given.shown(given),
                    "float32 computes every step in f32, input in the type of K and V; or remove it");
        }
    }

    /**
     * The number format of a name, whatever its case: {@code fp8} is e4m3, {@code fp4} is e2m1.
     *
     * @throws InvalidSchemeException for any other, with the nearest known one
     */
    public static NumberFormat format(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "fp8", "fp8_e4m3" -> NumberFormat.FP8_E4M3;
            case "fp8_e5m2" -> NumberFormat.FP8_E5M2;
            case "int8" -> NumberFormat.INT8;
            case "int4" -> NumberFormat.INT4;
            case "fp4", "fp4_e2m1" -> NumberFormat.FP4_E2M1;
            default ->
                throw new InvalidSchemeException("format", "unknown format " + Given.shown(name), FORMATS.remedy(name));
        };
    }

    private static QuantizationScheme named(List<String> parts) {
        NumberFormat format = format(parts.get(0));
        if (parts.size() > 3) {
            throw new InvalidSchemeException(
                    "", parts.size() + " parts in a short name, FORMAT:STRATEGY:GROUP_SIZE has 3", EXAMPLES);
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("num_bits", format.bits());
        fields.put("type", format.isInteger() ? "int" : "float");
        if (format == NumberFormat.FP8_E5M2) {
            fields.put(SchemeFields.FORMAT, SchemeFields.E5M2);
        }
        if (parts.size() > 1) {
            fields.put("strategy", parts.get(1));
        }
        if (parts.size() > 2) {
            fields.put("group_size", wholeOrText(parts.get(2)));
        }
        return KvCacheScheme.parse(fields);
    }

    private static Object wholeOrText(String text) {
        try {
            return Integer.valueOf(text);
        } catch (NumberFormatException e) {
            return text;
        }
    }
}
