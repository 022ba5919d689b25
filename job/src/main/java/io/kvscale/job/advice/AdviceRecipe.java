package io.kvscale.job.advice;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes advice as a recipe: the most common format of K and of V, then overrides with one pattern per format. */
final class AdviceRecipe {
    /** Keeps patterns within the maximum length of a recipe's regex. */
    private static final int LAYERS_PER_PATTERN = 100;

    private final Advice advice;
    private final StringBuilder yaml = new StringBuilder();

    AdviceRecipe(Advice advice) {
        this.advice = advice;
    }

    String text() {
        QuantizationScheme key = mostCommon(Role.KEY);
        QuantizationScheme value = mostCommon(Role.VALUE);
        QuantizationScheme base = Objects.requireNonNull(key == null ? value : key);
        line("# kvscale advise " + advice.goal().option());
        line("kv_cache_scheme: {" + format(base.format(), false)
                + ", strategy: " + base.strategy().word()
                + ", symmetric: true, dynamic: false, observer: "
                + base.observer().word()
                + ", observer_kwargs: {" + yaml(base.observer().kwargs()) + "}}");
        line("kvscale:");
        line("  statistics: histogram");
        allowances();
        if (value != null && value.format() != base.format()) {
            line("  value: {scheme: {" + format(value.format(), true) + "}}");
        }
        List<Integer> skipped = advice.skippedLayers();
        if (!skipped.isEmpty()) {
            line("  ignore: " + patterns(skipped));
        }
        overrides(base.format(), value == null ? base.format() : value.format());
        return yaml.toString();
    }

    private void line(String text) {
        yaml.append(text).append('\n');
    }

    private void allowances() {
        if (advice.allowed().hybrid()) {
            line("  hybrid: true");
        }
        if (advice.allowed().mla()) {
            line("  mla: true");
        }
        if (advice.allowed().allowZero()) {
            line("  allow_zero: true");
        }
        if (advice.allowed().skipNonFinite()) {
            line("  on_nonfinite: skip");
        }
    }

    /** The scheme of a role's most common format, on a tie the first of {@link Advisor#FORMATS}; null if none is quantized. */
    private @Nullable QuantizationScheme mostCommon(Role role) {
        List<QuantizationScheme> chosen = advice.slots().stream()
                .filter(slot -> slot.slot().role() == role)
                .map(slot -> slot.chosen().scheme())
                .filter(Objects::nonNull)
                .toList();
        QuantizationScheme mostCommon = null;
        int count = 0;
        for (NumberFormat format : Advisor.FORMATS) {
            List<QuantizationScheme> same =
                    chosen.stream().filter(scheme -> scheme.format() == format).toList();
            if (same.size() > count) {
                mostCommon = same.get(0);
                count = same.size();
            }
        }
        return mostCommon;
    }

    /** @param override whether it overrides a scheme whose format may have the same bits and type */
    private static String format(NumberFormat format, boolean override) {
        Map<String, Object> fields = KvCacheScheme.formatFields(format);
        if (override && NumberFormat.with(format.bits(), format.type()).size() > 1) {
            fields.put("format", format.layout());
        }
        return yaml(fields);
    }

    private static String yaml(Map<String, ?> fields) {
        return fields.entrySet().stream()
                .map(field -> field.getKey() + ": " + field.getValue())
                .collect(Collectors.joining(", "));
    }

    private void overrides(NumberFormat key, NumberFormat value) {
        SortedMap<NumberFormat, SortedSet<Integer>> keys = differing(Role.KEY, key);
        SortedMap<NumberFormat, SortedSet<Integer>> values = differing(Role.VALUE, value);
        if (keys.isEmpty() && values.isEmpty()) {
            return;
        }
        line("  overrides:");
        for (NumberFormat format : Advisor.FORMATS) {
            SortedSet<Integer> onlyKey = keys.getOrDefault(format, new TreeSet<>());
            SortedSet<Integer> onlyValue = values.getOrDefault(format, new TreeSet<>());
            SortedSet<Integer> both = new TreeSet<>(onlyKey);
            both.retainAll(onlyValue);
            onlyKey.removeAll(both);
            onlyValue.removeAll(both);
            override(both, "", format);
            override(onlyKey, "role: key, ", format);
            override(onlyValue, "role: value, ", format);
        }
    }

    private SortedMap<NumberFormat, SortedSet<Integer>> differing(Role role, NumberFormat common) {
        SortedMap<NumberFormat, SortedSet<Integer>> layers = new TreeMap<>();
        for (SlotAdvice slot : advice.slots()) {
            QuantizationScheme scheme = slot.chosen().scheme();
            if (scheme != null && slot.slot().role() == role && scheme.format() != common) {
                layers.computeIfAbsent(scheme.format(), f -> new TreeSet<>())
                        .add(slot.slot().layer());
            }
        }
        return layers;
    }

    private void override(Collection<Integer> layers, String role, NumberFormat format) {
        if (!layers.isEmpty()) {
            line("    - {layers: " + patterns(layers) + ", " + role + "scheme: {" + format(format, true) + "}}");
        }
    }

    private static String patterns(Collection<Integer> layers) {
        List<Integer> all = List.copyOf(layers);
        List<String> patterns = new ArrayList<>();
        for (int from = 0; from < all.size(); from += LAYERS_PER_PATTERN) {
            List<Integer> some = all.subList(from, Math.min(all.size(), from + LAYERS_PER_PATTERN));
            String numbers = some.stream().map(String::valueOf).collect(Collectors.joining("|"));
            patterns.add("'layers\\." + (some.size() == 1 ? numbers : "(" + numbers + ")") + "\\.'");
        }
        return "[" + String.join(", ", patterns) + "]";
    }
}
