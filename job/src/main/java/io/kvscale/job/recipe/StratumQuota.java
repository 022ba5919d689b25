package io.kvscale.job.recipe;

import java.io.Serializable;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How many texts of each stratum are chosen.
 *
 * @param all the number for every stratum; 0 if each has its own, or if there are no strata
 * @param each the number by stratum; empty if all have the same. Texts of other strata are left out.
 */
public record StratumQuota(int all, SortedMap<String, Integer> each) implements Serializable {
    /** Texts are not chosen by strata. */
    public static final StratumQuota NONE = new StratumQuota(0, new TreeMap<>());

    public StratumQuota {
        each = Collections.unmodifiableSortedMap(new TreeMap<>(each));
    }

    /** Whether texts are chosen by strata. */
    public boolean isGiven() {
        return all > 0 || !each.isEmpty();
    }

    /** The number of texts of a stratum to choose; 0 for none. */
    public int of(String stratum) {
        return all > 0 ? all : each.getOrDefault(stratum, 0);
    }
}
