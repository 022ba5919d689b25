package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The mapping behind a {@code kv_cache_scheme}, read field by field. */
final class SchemeFields {
    static final String AVERAGING_CONSTANT = "averaging_constant";

    private static final Vocabulary KEYS = Vocabulary.of(
            "num_bits",
            "type",
            "symmetric",
            "strategy",
            "group_size",
            "dynamic",
            "observer",
            "observer_kwargs",
            "scale_dtype",
            "zp_dtype",
            "actorder",
            "block_structure");
    private static final Vocabulary TYPES = Vocabulary.of("int", "float");
    private static final Vocabulary STRATEGIES = Vocabulary.of("tensor", "attn_head", "channel", "group");
    private static final Vocabulary OBSERVERS = Vocabulary.of("static_minmax", "minmax", "memoryless_minmax");
    private static final Set<String> LATER_OBSERVERS = Set.of("mse", "memoryless_mse", "percentile", "entropy");
    private static final Vocabulary OBSERVER_KWARGS = Vocabulary.of(AVERAGING_CONSTANT);

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
        Observer observer = observer();
        double averagingConstant = averagingConstant(observer);
        ScaleDtype scaleDtype = scaleDtype(notActedOn);
        if (fields.get("zp_dtype") != null) {
            notActedOn.accept("zp_dtype");
        }
        return new QuantizationScheme(
                format, strategy, Math.max(groupSize, 0), symmetric, observer, averagingConstant, scaleDtype);
    }

    private static void rejectUnknown(Map<?, ?> given, Vocabulary known, String prefix) {
        for (Object key : given.keySet()) {
            if (!(key instanceof String word && known.contains(word))) {
                String text = String.valueOf(key instanceof String ? key : Given.shown(key));
                throw invalid(prefix + text, "unknown key " + Given.shown(key), known.remedy(text));
            }
        }
    }

    private void rejectDynamic() {
        Object dynamic = fields.get("dynamic");
        boolean local = dynamic instanceof String word && word.equalsIgnoreCase("local");
        if (local || Boolean.TRUE.equals(dynamic)) {
            throw invalid(
                    "dynamic",
                    "dynamic: " + (local ? "local" : "true") + " leaves nothing to calibrate: an engine computes those"
                            + " scales while it runs",
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
        if (Integer.valueOf(8).equals(bits)) {
            return real ? NumberFormat.FP8_E4M3 : NumberFormat.INT8;
        }
        if (Integer.valueOf(4).equals(bits)) {
            return real ? NumberFormat.FP4_E2M1 : NumberFormat.INT4;
        }
        throw invalid(
                "num_bits",
                "num_bits must be 8 or 4, got " + Given.shown(bits),
                "the formats are int8, int4 (type: int), fp8 e4m3 and fp4 e2m1 (type: float)");
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
            case "tensor_group" ->
                throw invalid(
                        "strategy",
                        "strategy tensor_group (NVFP4) is not calibrated by this release",
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

    private Observer observer() {
        Object given = fields.get("observer");
        if (given == null) {
            return Observer.STATIC_MINMAX;
        }
        if (given instanceof String name && LATER_OBSERVERS.contains(name.toLowerCase(Locale.ROOT))) {
            throw invalid(
                    "observer",
                    "observer " + name + " comes with a later release",
                    "the observers of this one: " + String.join(", ", OBSERVERS.words()));
        }
        return Observer.valueOf(word("observer", "", OBSERVERS).toUpperCase(Locale.ROOT));
    }

    private double averagingConstant(Observer observer) {
        Object given = fields.get("observer_kwargs");
        if (given == null) {
            return QuantizationScheme.DEFAULT_AVERAGING_CONSTANT;
        }
        if (!(given instanceof Map<?, ?> kwargs)) {
            throw invalid(
                    "observer_kwargs",
                    "observer_kwargs must be a mapping, got " + Given.shown(given),
                    "write observer_kwargs: {averaging_constant: 0.01}, or remove it");
        }
        rejectUnknown(kwargs, OBSERVER_KWARGS, "observer_kwargs.");
        if (kwargs.isEmpty()) {
            return QuantizationScheme.DEFAULT_AVERAGING_CONSTANT;
        }
        String key = "observer_kwargs." + AVERAGING_CONSTANT;
        if (observer != Observer.MINMAX) {
            throw invalid(
                    key,
                    "observer " + observer.word() + " takes no averaging_constant",
                    "remove it, or say observer: minmax");
        }
        if (kwargs.get(AVERAGING_CONSTANT) instanceof Number number) {
            return number.doubleValue();
        }
        throw invalid(
                key,
                "averaging_constant must be a number, got " + Given.shown(kwargs.get(AVERAGING_CONSTANT)),
                "give a number above 0, at most 1");
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
