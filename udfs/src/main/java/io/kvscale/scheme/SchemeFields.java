package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The mapping behind a {@code kv_cache_scheme}, read field by field. */
final class SchemeFields {
    /** Ours: which of the two fp8 formats; compressed-tensors knows one. */
    static final String FORMAT = "format";

    /** The value of {@link #FORMAT} for {@link NumberFormat#FP8_E5M2}. */
    static final String E5M2 = "e5m2";

    /** Ours: which of the two conventions of NVFP4. */
    static final String GLOBAL_SCALE = "global_scale";

    private static final String TENSOR_GROUP = Strategy.TENSOR_GROUP.word();
    /** The value of {@code dynamic} by which compressed-tensors calls the scales of NVFP4. */
    static final String LOCAL = "local";

    private static final String E4M3 = "e4m3";

    private static final Vocabulary KEYS = Vocabulary.of(
            "num_bits",
            "type",
            FORMAT,
            "symmetric",
            "strategy",
            "group_size",
            "dynamic",
            "observer",
            "observer_kwargs",
            "scale_dtype",
            GLOBAL_SCALE,
            "zp_dtype",
            "actorder",
            "block_structure");
    private static final Vocabulary TYPES = Vocabulary.of("int", "float");
    private static final Vocabulary STRATEGIES = Vocabulary.of("tensor", "attn_head", "channel", "group", TENSOR_GROUP);
    private static final Vocabulary GLOBAL_SCALES =
            Vocabulary.of(GlobalScale.DIVISOR.word(), GlobalScale.MULTIPLIER.word());
    private static final Vocabulary FP8 = Vocabulary.of(E4M3, E5M2);

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
        Observer observer = ObserverFields.observer(fields.get(ObserverFields.OBSERVER));
        ObserverKwargs kwargs = ObserverFields.kwargs(observer, fields.get(ObserverFields.KWARGS), notActedOn);
        ScaleDtype scaleDtype = scaleDtype(notActedOn);
        if (fields.get("zp_dtype") != null) {
            notActedOn.accept("zp_dtype");
        }
        return new QuantizationScheme(
                format, strategy, Math.max(groupSize, 0), symmetric, observer, kwargs, scaleDtype, globalScale());
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
                return; // Its local scales are never calibrated, its global scale always is.
            }
            throw invalid(
                    "dynamic",
                    "dynamic: local leaves nothing to calibrate, but with strategy tensor_group (NVFP4), which has local"
                            + " and global scales",
                    "say dynamic: false for static scales, or strategy: tensor_group, num_bits: 4, type: float");
        }
        if (Boolean.TRUE.equals(dynamic)) {
            throw invalid(
                    "dynamic",
                    "dynamic: true leaves nothing to calibrate: an engine computes those scales while it runs",
                    "say dynamic: false for static scales, or serve without calibration");
        }
        flag("dynamic", false);
    }

    private void rejectWeightsOnly() {
        Object actorder = fields.get("actorder");
        if (actorder != null && !Boolean.FALSE.equals(actorder)) {
            throw invalid("actorder", "actorder orders the columns of weights, not a KV cache", "remove it");
        }
        if (fields.get("block_structure") != null) {
            throw invalid("block_structure", "block_structure divides weights, not a KV cache", "remove it");
        }
    }

    private NumberFormat format() {
        boolean real = word("type", "int", TYPES).equals("float");
        Object bits = fields.containsKey("num_bits") ? fields.get("num_bits") : Integer.valueOf(8);
        if (fields.get(FORMAT) != null) {
            String format = word(FORMAT, E4M3, FP8);
            if (!real || !Integer.valueOf(8).equals(bits)) {
                throw invalid(
                        FORMAT,
                        "format " + format + " is fp8: it goes with num_bits 8 and type float",
                        "remove it, or say num_bits: 8, type: float");
            }
            return format.equals(E5M2) ? NumberFormat.FP8_E5M2 : NumberFormat.FP8_E4M3;
        }
        if (Integer.valueOf(8).equals(bits)) {
            return real ? NumberFormat.FP8_E4M3 : NumberFormat.INT8;
        }
        if (Integer.valueOf(4).equals(bits)) {
            return real ? NumberFormat.FP4_E2M1 : NumberFormat.INT4;
        }
        throw invalid(
                "num_bits",
                "num_bits must be 8 or 4, got " + Given.shown(bits),
                "the formats are int8, int4 (type: int), fp8 e4m3, fp8 e5m2 (format: e5m2) and fp4 e2m1 (type: float)");
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
        switch (given) {
            case "token" ->
                throw invalid(
                        "strategy",
                        "strategy token has dynamic scales only: nothing to calibrate",
                        "static scales: " + String.join(", ", STRATEGIES.words()));
            case "block" ->
                throw invalid(
                        "strategy",
                        "strategy block is for weights, not for a KV cache",
                        "static scales: " + String.join(", ", STRATEGIES.words()));
            default -> {}
        }
        Strategy strategy =
                Strategy.valueOf(word("strategy", "tensor", STRATEGIES).toUpperCase(Locale.ROOT));
        if (groupSize == -1 && strategy != Strategy.CHANNEL) {
            throw invalid(
                    "group_size",
                    "group_size -1 stands for strategy channel, but strategy is " + strategy.word(),
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
                "the nearest known one is '" + known.nearest(given instanceof String text ? text : "") + "'");
    }

    private static InvalidSchemeException invalid(String key, String what, String remedy) {
        return new InvalidSchemeException(key, what, remedy);
    }
}
