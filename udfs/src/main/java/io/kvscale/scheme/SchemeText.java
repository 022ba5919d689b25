package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Parses a scheme from one string, which is one of these:
 *
 * <ul>
 *   <li>a {@code kv_cache_scheme} mapping as JSON or YAML, with or without that key;
 *   <li>a short name {@code FORMAT[:STRATEGY[:GROUP_SIZE]]}, such as {@code fp8}, {@code int8:channel} or
 *       {@code int4:group:32}: symmetric, with all defaults;
 *   <li>{@code nvfp4}, or {@code nvfp4:CONVENTION} with a word of {@link GlobalScale}.
 * </ul>
 */
public final class SchemeText {
    private static final String SCHEME = "kv_cache_scheme";
    private static final String SCALE_DTYPE = "scale_dtype";
    private static final String NVFP4 = "nvfp4";
    private static final Vocabulary FORMATS = Vocabulary.of(Stream.concat(
            Arrays.stream(NumberFormat.values()).flatMap(format -> format.names().stream()), Stream.of(NVFP4)));
    private static final Pattern SHORT = Pattern.compile("[^\\s:{}\\[\\]'\"]+(:[^\\s:{}\\[\\]'\"]*)*");
    private static final String EXAMPLES =
            "give a kv_cache_scheme as YAML or JSON, or a short name such as fp8, int8:channel, int4:group:32 or nvfp4";

    private SchemeText() {}

    /** @throws InvalidSchemeException if the text is malformed or the scheme unsupported, with the remedy */
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
        // KvCacheScheme rejects keys that are not text.
        @SuppressWarnings("unchecked")
        Map<String, ?> words = (Map<String, ?>) fields;
        return KvCacheScheme.parse(words, key -> refuseScaleDtype(key, words.get(key)));
    }

    /** Recipes only warn about other values. A SQL query would not show the warning, and a typo would change the scales. */
    private static void refuseScaleDtype(String key, @Nullable Object given) {
        if (key.equals(SCALE_DTYPE)) {
            throw new InvalidSchemeException(
                    key,
                    "scale_dtype must be float32 or input, got " + Given.shown(given),
                    "float32 computes every step in f32, input in the type of K and V; or remove it");
        }
    }

    /**
     * The number format with this name in any case, as {@link NumberFormat#names}.
     *
     * @throws InvalidSchemeException for an unknown name, with the nearest known one, and for {@code nvfp4}, which has local
     *     scales
     */
    public static NumberFormat format(String name) {
        if (isNvfp4(List.of(name.split(":", -1)))) {
            throw new InvalidSchemeException(
                    "format",
                    "nvfp4 has local scales beside its codes, and one scale is not enough for it",
                    "take another format; kv_fake_quantize and kv_quantization_error support nvfp4");
        }
        return NumberFormat.named(name)
                .orElseThrow(() -> new InvalidSchemeException(
                        "format", "unknown format " + Given.shown(name), FORMATS.remedy(name)));
    }

    /**
     * The scheme with one calibrated scale and all defaults for a name of {@link #format}, {@code nvfp4} or
     * {@code nvfp4:CONVENTION}.
     *
     * @throws InvalidSchemeException for an unknown name, with the nearest known one
     */
    public static QuantizationScheme ofOneScale(String name) {
        List<String> parts = List.of(name.split(":", -1));
        return isNvfp4(parts) ? nvfp4(parts) : QuantizationScheme.of(format(name), Strategy.TENSOR);
    }

    private static boolean isNvfp4(List<String> parts) {
        return parts.get(0).equalsIgnoreCase(NVFP4);
    }

    private static QuantizationScheme nvfp4(List<String> parts) {
        if (parts.size() == 1) {
            return QuantizationScheme.nvfp4(GlobalScale.byDefault());
        }
        for (GlobalScale convention : GlobalScale.values()) {
            if (parts.size() == 2 && convention.word().equalsIgnoreCase(parts.get(1))) {
                return QuantizationScheme.nvfp4(convention);
            }
        }
        throw new InvalidSchemeException(
                SchemeFields.GLOBAL_SCALE,
                "nvfp4 is followed by its convention or nothing, got " + Given.shown(String.join(":", parts)),
                "say nvfp4 or " + nvfp4Names());
    }

    /** The names of NVFP4 with its conventions and their formulas, the default first. */
    public static String nvfp4Names() {
        return Arrays.stream(GlobalScale.values())
                .map(convention -> NVFP4 + ":" + convention.word() + " (" + convention.formula() + ")")
                .collect(Collectors.joining(", "));
    }

    private static QuantizationScheme named(List<String> parts) {
        if (isNvfp4(parts)) {
            return nvfp4(parts);
        }
        NumberFormat format = format(parts.get(0));
        if (parts.size() > 3) {
            throw new InvalidSchemeException(
                    "", parts.size() + " parts in a short name, FORMAT:STRATEGY:GROUP_SIZE has 3", EXAMPLES);
        }
        Map<String, Object> fields = KvCacheScheme.formatFields(format);
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
