package io.kvscale.job.state;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.json.Json;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/**
 * What tasks look for in files or texts, as far as it changes what they find: the part of a recipe that reads captures or runs
 * the model, the model's config.json or all of its files, and the kind of statistics. Schemes do not count, unless an observer
 * keeps batches.
 *
 * @param label in words, for people
 * @param digest 64 hexadecimal digits; equal for observations that find the same
 */
public record Observation(String label, String digest) implements Serializable {
    /** The statistics of a pass. */
    public static Observation statistics(CaptureOptions options, SlotSchemes schemes, StatisticsKind kind) {
        return of(kind.word() + " statistics", options, Arrays.asList(tree(kind), batches(schemes)));
    }

    /** What each sample holds, with the ends of some slots. */
    public static Observation survey(CaptureOptions options, SortedSet<Slot> scanned) {
        return of("samples", options, scanned.stream().map(Slot::toString).toList());
    }

    /** Whether the first files were read in their layout. */
    public static Observation layout(CaptureOptions options) {
        return of("layout", options, null);
    }

    /**
     * The statistics of texts.
     *
     * @param model identifies all files of the model
     * @param recipe with what is known of the model
     * @param scales identifies the scales that are fed back; null for none
     */
    public static Observation texts(String model, Recipe recipe, StatisticsKind kind, @Nullable String scales) {
        TextSettings text = recipe.text();
        return of(
                kind.word() + " statistics of texts",
                recipe.capture(),
                Arrays.asList(
                        tree(kind),
                        batches(recipe.schemes()),
                        model,
                        text.options().plainSpecialTokens(),
                        text.options().chatSpecialTokens(),
                        text.chunkTokens(),
                        scales,
                        scales == null ? 0 : text.residualLength()));
    }

    private static Observation of(String label, CaptureOptions options, @Nullable Object more) {
        return new Observation(label, DigestUtils.sha256Hex(Json.bytes(Arrays.asList(label, tree(options), more))));
    }

    /** What schemes say about the batches that statistics keep; null if none are kept. */
    private static @Nullable Object batches(SlotSchemes schemes) {
        if (schemes.all().stream().noneMatch(scheme -> scheme.observer().needsBatches())) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        all.add(Arrays.asList(batches(schemes.key()), batches(schemes.value()), batches(schemes.query())));
        schemes.overrides()
                .forEach(override -> all.add(Arrays.asList(
                        override.layers().toString(), batches(override.key()), batches(override.value()))));
        return all;
    }

    private static @Nullable Object batches(@Nullable QuantizationScheme scheme) {
        return scheme == null
                ? null
                : List.of(scheme.observer().needs().name(), scheme.strategy().name(), scheme.groupSize());
    }

    /** Records by the names of their components, so that a component that is added later counts too. */
    static @Nullable Object tree(@Nullable Object value) {
        if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean) {
            return value;
        } else if (value instanceof Enum<?> constant) {
            return constant.name();
        } else if (value instanceof Collection<?> list) {
            return list.stream().map(Observation::tree).toList();
        } else if (value instanceof SortedMap<?, ?> map) {
            return map.entrySet().stream()
                    .map(entry -> Arrays.asList(tree(entry.getKey()), tree(entry.getValue())))
                    .toList();
        } else if (!value.getClass().isRecord()) {
            throw new IllegalArgumentException(value.getClass() + " has no canonical form");
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            try {
                fields.put(component.getName(), tree(component.getAccessor().invoke(value)));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(component + " cannot be read", e);
            }
        }
        return fields;
    }
}
