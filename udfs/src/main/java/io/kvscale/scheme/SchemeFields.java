package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads a {@code kv_cache_scheme} mapping field by field. */
public final class SchemeFields {
    /** Not in compressed-tensors: the layout, where several formats have the same bits and type. */
    static final String FORMAT = "format";

    /** Not in compressed-tensors: the convention of NVFP4's global scale. */
    public static final String GLOBAL_SCALE = "global_scale";

    private static final String TENSOR_GROUP = Strategy.TENSOR_GROUP.word();

    /** The value of {@code dynamic} that compressed-tensors uses for NVFP4. */
    static final String LOCAL = "local";

    static final Vocabulary KEYS = Vocabulary.of(
            "num_bits",
            "type",
            FORMAT,
            "symmetric",
            "strategy",
            "group_size",
            "dynamic",
            Observers.OBSERVER,
            Observers.KWARGS,
            "scale_dtype",
            GLOBAL_SCALE,
            "zp_dtype",
            "actorder",
            "block_structure");
    private static final Vocabulary TYPES = Vocabulary.of("int", "float");
    private static final Vocabulary STRATEGIES =
            Vocabulary.of(Arrays.stream(Strategy.values()).map(Strategy::word));
    private static final Vocabulary GLOBAL_SCALES = Vocabulary.of(GlobalScale.words().stream());
    private static final Vocabulary LAYOUTS = Vocabulary.of(Arrays.stream(NumberFormat.values())
            .filter(NumberFormat::needsLayout)
            .map(NumberFormat::layout));

    private final Map<String, ?> fields;

    SchemeFields(Map<String, ?> fields) {
        this.fields = fields;
    }

    QuantizationScheme read(Consumer<String> notActedOn) {
        rejectUnknown(fields, KEYS, "");
        rejectDynamic();
        rejectWeightsOnly();
        NumberFormat format = format();
        int groupSize = groupSize();
        Strategy strategy = strategy(groupSize);
        boolean symmetric = flag("symmetric", true);
        Observer observer = Observers.read(fields.get(Observers.OBSERVER), fields.get(Observers.KWARGS), notActedOn);
        ScaleDtype scaleDtype = scaleDtype(notActedOn);
        if (fields.get("zp_dtype") != null) {
            notActedOn.accept("zp_dtype");
        }
        return new QuantizationScheme(
                format, strategy, Math.max(groupSize, 0), symmetric, observer, scaleDtype, globalScale());
    }

    static void rejectUnknown(Map<?, ?> given, Vocabulary known, String prefix) {
        for (Object key : given.keySet()) {
            if (!(key instanceof String word && known.contains(word))) {
                String text = String.valueOf(key instanceof String ? key : Given.shown(key));
                throw invalid(prefix + text, "unknown key " + Given.shown(key), known.remedy(text));
            }
        }
    }

    private void rejectDynamic() {
        Object dynamic = fields.get("dynamic");
        if (dynamic instanceof String word && word.equalsIgnoreCase(LOCAL)) {
            Object strategy = fields.get("strategy");
            if (strategy instanceof String text && text.equalsIgnoreCase(TENSOR_GROUP)) {
                return; // Engines compute the local scales; the global scale is calibrated.
            }
            throw invalid(
                    "dynamic",
                    "dynamic: local leaves nothing to calibrate, except with strategy tensor_group (NVFP4), which has"
                            + " local and global scales",
                    "say dynamic: false for static scales, or strategy: tensor_group, num_bits: 4, type: float");
        }
        if (Boolean.TRUE.equals(dynamic)) {
            throw invalid(
                    "dynamic",
                    "dynamic: true leaves nothing to calibrate: engines compute dynamic scales at run time",
                    "say dynamic: false for static scales, or serve without calibration");
        }
        flag("dynamic", false);
    }

    private void rejectWeightsOnly() {
        Object actorder = fields.get("actorder");
        if (actorder != null && !Boolean.FALSE.equals(actorder)) {
            throw invalid("actorder", "actorder is for weights, not for a KV cache", "remove it");
        }
        if (fields.get("block_structure") != null) {
            throw invalid("block_structure", "block_structure is for weights, not for a KV cache", "remove it");
        }
    }

    private NumberFormat format() {
        String type = word("type", "int", TYPES);
        Object bits = fields.containsKey("num_bits") ? fields.get("num_bits") : Integer.valueOf(8);
        List<NumberFormat> formats = bits instanceof Integer n ? NumberFormat.with(n, type) : List.of();
        if (fields.get(FORMAT) != null) {
            String layout = word(FORMAT, "", LAYOUTS);
            NumberFormat format = Arrays.stream(NumberFormat.values())
                    .filter(known -> known.layout().equals(layout))
                    .findFirst()
                    .orElseThrow();
            if (!formats.contains(format)) {
                String expected = "num_bits: " + format.bits() + ", type: " + format.type();
                throw invalid(FORMAT, "format " + layout + " goes with " + expected, "remove it, or say " + expected);
            }
            return format;
        }
        if (!formats.isEmpty()) {
            return formats.get(0);
        }
        throw invalid(
                "num_bits",
                "num_bits must be " + joined(NumberFormat::bits, " or ") + ", got " + Given.shown(bits),
                "the formats are " + joined(NumberFormat::word, ", "));
    }

    private static String joined(Function<NumberFormat, Object> property, String separator) {
        return Arrays.stream(NumberFormat.values())
                .map(property)
                .map(String::valueOf)
                .distinct()
                .collect(Collectors.joining(separator));
    }

    private int groupSize() {
        Object size = fields.get("group_size");
        if (size == null) {
            return 0;
        }
        if (size instanceof Integer n && (n == -1 || n >= 1)) {
            return n;
        }
        throw invalid(
                "group_size",
                "group_size must be a whole number of at least 1, or -1, got " + Given.shown(size),
                "give the channels that share a scale (a divisor of head_dim), -1 for strategy channel, or remove it");
    }

    private Strategy strategy(int groupSize) {
        if (fields.get("strategy") == null) {
            return groupSize > 0 ? Strategy.GROUP : groupSize == -1 ? Strategy.CHANNEL : Strategy.TENSOR;
        }
        String given = String.valueOf(fields.get("strategy")).toLowerCase(Locale.ROOT);
        String unsupported = given.equals("token")
                ? "strategy token has dynamic scales only: nothing to calibrate"
                : given.equals("block") ? "strategy block is for weights, not for a KV cache" : null;
        if (unsupported != null) {
            throw invalid("strategy", unsupported, "static scales: " + String.join(", ", STRATEGIES.words()));
        }
        Strategy strategy =
                Strategy.valueOf(word("strategy", "tensor", STRATEGIES).toUpperCase(Locale.ROOT));
        if (groupSize == -1 && strategy != Strategy.CHANNEL) {
            throw invalid(
                    "group_size",
                    "group_size -1 means strategy channel, but strategy is " + strategy.word(),
                    strategy == Strategy.GROUP ? "say how many channels share a scale" : "remove group_size");
        }
        return strategy;
    }

    private ScaleDtype scaleDtype(Consumer<String> notActedOn) {
        Object given = fields.get("scale_dtype");
        for (ScaleDtype dtype : ScaleDtype.values()) {
            if (dtype.word().equals(given)) {
                return dtype;
            }
        }
        if (given != null) {
            notActedOn.accept("scale_dtype");
        }
        return ScaleDtype.FLOAT32;
    }

    private @Nullable GlobalScale globalScale() {
        return fields.get(GLOBAL_SCALE) == null
                ? null
                : GlobalScale.valueOf(word(GLOBAL_SCALE, "", GLOBAL_SCALES).toUpperCase(Locale.ROOT));
    }

    private boolean flag(String key, boolean byDefault) {
        Object given = fields.containsKey(key) ? fields.get(key) : Boolean.valueOf(byDefault);
        if (given instanceof Boolean flag) {
            return flag;
        }
        throw invalid(key, key + " must be true or false, got " + Given.shown(given), "write it without quotes");
    }

    private String word(String key, String byDefault, Vocabulary known) {
        Object given = fields.containsKey(key) ? fields.get(key) : byDefault;
        if (given instanceof String text && known.contains(text.toLowerCase(Locale.ROOT))) {
            return text.toLowerCase(Locale.ROOT);
        }
        throw invalid(
                key,
                key + " must be one of " + String.join(", ", known.words()) + ", got " + Given.shown(given),
                known.hint(given instanceof String text ? text : "", "write one of these words"));
    }

    private static InvalidSchemeException invalid(String key, String what, String remedy) {
        return new InvalidSchemeException(key, what, remedy);
    }
}
