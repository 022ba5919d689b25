package io.kvscale.job.recipe;

import io.kvscale.option.KeyValues;
import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.Given;
import io.kvscale.text.Strata;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The keys about strata of texts. */
final class StratumKeys {
    private static final String EXAMPLE = "samples_per_stratum: 100, or samples_per_stratum: {de: 100, en: 200}";

    private StratumKeys() {}

    /** The name of a field; empty if the recipe does not name it. */
    static String field(KeyValues values, RecipeKey key) {
        String name = values.text(key);
        if (name != null && name.isEmpty()) {
            throw values.error(
                    key, "the name of a field is empty", "name a field of the records, or remove " + key.path());
        }
        return name == null ? "" : name;
    }

    /** @throws RuntimeException {@link KeyValues#error} for a bad number, or for keys that contradict each other */
    static StratumQuota quota(KeyValues values) {
        Object given = values.get(RecipeKey.SAMPLES_PER_STRATUM);
        boolean stratified = values.get(RecipeKey.SAMPLE_BY) != null;
        if (stratified != (given != null)) {
            throw values.error(
                    stratified ? RecipeKey.SAMPLE_BY : RecipeKey.SAMPLES_PER_STRATUM,
                    stratified
                            ? "sample_by needs the number of texts of each stratum"
                            : "samples_per_stratum needs the field that holds the stratum of a text",
                    stratified ? "add " + EXAMPLE : "add sample_by, as in sample_by: language");
        }
        if (given == null) {
            return StratumQuota.NONE;
        }
        if (values.get(RecipeKey.NUM_CALIBRATION_SAMPLES) != null) {
            throw values.error(
                    RecipeKey.NUM_CALIBRATION_SAMPLES,
                    "num_calibration_samples and samples_per_stratum both say how many texts to choose",
                    "remove one of them");
        }
        return given instanceof Map<?, ?> each
                ? new StratumQuota(0, each(values, each))
                : new StratumQuota(number(values, given), new TreeMap<>());
    }

    private static SortedMap<String, Integer> each(KeyValues values, Map<?, ?> given) {
        if (given.isEmpty() || given.size() > Strata.MAX_VALUES) {
            throw error(
                    values,
                    "samples_per_stratum names " + given.size() + " values, the least is 1 and the most "
                            + Strata.MAX_VALUES);
        }
        SortedMap<String, Integer> each = new TreeMap<>();
        given.forEach((stratum, count) -> {
            if (!(stratum instanceof String name) || name.isEmpty()) {
                throw values.error(
                        RecipeKey.SAMPLES_PER_STRATUM,
                        "a value in samples_per_stratum must be a text that is not empty, got " + Given.shown(stratum),
                        "put quotes around it");
            }
            each.put(name, number(values, count));
        });
        return each;
    }

    private static int number(KeyValues values, @Nullable Object given) {
        if (given instanceof Integer number && number >= 1) {
            return number;
        }
        throw error(
                values,
                "samples_per_stratum must be "
                        + RecipeKey.SAMPLES_PER_STRATUM.type().shown() + ", got " + Given.shown(given));
    }

    private static RuntimeException error(KeyValues values, String what) {
        return values.error(RecipeKey.SAMPLES_PER_STRATUM, what, "write " + EXAMPLE);
    }

    /** @throws RuntimeException {@link KeyValues#error} if texts are chosen or kept apart by strata */
    static void refuse(KeyValues values, RecipeKey other, String why) {
        for (RecipeKey key : new RecipeKey[] {RecipeKey.SAMPLE_BY, RecipeKey.STATISTICS_BY}) {
            if (values.get(key) != null) {
                throw values.error(key, key.path() + " " + why, "remove " + key.path() + " or " + other.path());
            }
        }
    }
}
