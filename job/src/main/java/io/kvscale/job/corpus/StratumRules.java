package io.kvscale.job.corpus;

import io.kvscale.job.corpus.plan.RowTally;
import io.kvscale.job.corpus.plan.StratumCounts;
import io.kvscale.job.recipe.StratumQuota;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.Strata;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Compares the strata of a corpus with what the recipe says of them. */
record StratumRules(TextSettings settings, RowTally tally, String input) {
    /**
     * @throws InvalidDataException if a field has too many values, or there is no text of a stratum that
     *     {@code samples_per_stratum} names
     */
    void check() {
        check("sample_by", settings.options().fields().sampleBy(), tally.sampled());
        check("statistics_by", settings.options().fields().statisticsBy(), tally.observed());
        SortedMap<String, Long> missing = fewer();
        missing.values().removeIf(found -> found > 0);
        if (!missing.isEmpty()) {
            String first = missing.firstKey();
            throw new InvalidDataException(DataProblem.of(
                    "samples_per_stratum asks for " + settings.perStratum().of(first) + " texts of "
                            + DataProblem.shown(first)
                            + (missing.size() > 1 ? " and " + (missing.size() - 1) + " more" : "")
                            + ", but " + input + " has none. Texts by " + field() + ": "
                            + tally.sampled().shown(),
                    "correct samples_per_stratum, which compares letter by letter, or add such texts"));
        }
    }

    private String field() {
        return DataProblem.shown(settings.options().fields().sampleBy());
    }

    private void check(String key, String field, StratumCounts counts) {
        if (counts.areTooMany()) {
            throw new InvalidDataException(DataProblem.of(
                    "the field " + DataProblem.shown(field) + ", which " + key + " names, has more than "
                            + Strata.MAX_VALUES + " values in " + input + ", such as "
                            + DataProblem.shown(counts.texts().firstKey()) + " and "
                            + DataProblem.shown(counts.texts().lastKey()),
                    "name a field with few values, such as a language or a domain"));
        }
    }

    /** The number of texts of each stratum that has fewer than the recipe asks for. */
    private SortedMap<String, Long> fewer() {
        StratumQuota quota = settings.perStratum();
        SortedMap<String, Long> found = new TreeMap<>();
        quota.each().keySet().forEach(stratum -> found.put(stratum, 0L));
        found.putAll(tally.sampled().texts());
        found.entrySet().removeIf(entry -> entry.getValue() >= quota.of(entry.getKey()));
        return found;
    }

    /** Strata with fewer texts than the recipe asks for, and strata that it leaves out. */
    List<String> notices() {
        List<String> notices = new ArrayList<>();
        if (!settings.perStratum().isGiven()) {
            return notices;
        }
        SortedMap<String, Long> few = fewer();
        if (!few.isEmpty()) {
            notices.add(few.size() + " of " + tally.sampled().texts().size() + " values of " + field()
                    + " have fewer texts than samples_per_stratum asks for: "
                    + StratumCounts.shown(
                            few, value -> " of " + settings.perStratum().of(value)));
        }
        SortedMap<String, Long> out = new TreeMap<>(tally.sampled().texts());
        out.keySet().removeIf(stratum -> settings.perStratum().of(stratum) > 0);
        if (!out.isEmpty()) {
            notices.add("samples_per_stratum does not name these values of " + field() + ", whose texts are left out: "
                    + StratumCounts.shown(out, value -> ""));
        }
        return notices;
    }
}
