package io.kvscale.task;

import io.kvscale.observer.CalibrationStatistics;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The statistics of each stratum of the texts. A commutative monoid under {@link #merge}. */
final class StratumStatistics {
    private final SortedMap<String, CalibrationStatistics> strata = new TreeMap<>();

    /** The statistics by stratum. */
    SortedMap<String, CalibrationStatistics> values() {
        return Collections.unmodifiableSortedMap(strata);
    }

    /** Adds statistics, which must not be used afterwards. */
    void add(String stratum, CalibrationStatistics seen) {
        CalibrationStatistics present = strata.putIfAbsent(stratum, seen);
        if (present != null) {
            present.merge(seen);
        }
    }

    /** Adds other statistics, which must not be used afterwards. */
    void merge(StratumStatistics other) {
        other.strata.forEach(this::add);
    }

    /** A copy of these and other statistics, merged. */
    CalibrationStatistics mergedWith(CalibrationStatistics other) {
        CalibrationStatistics all = copy(other);
        strata.values().forEach(seen -> all.merge(copy(seen)));
        return all;
    }

    private static CalibrationStatistics copy(CalibrationStatistics statistics) {
        return CalibrationStatistics.fromByteArray(statistics.toByteArray());
    }

    /** The statistics as bytes, by stratum; a map that Java serializes. */
    TreeMap<String, byte[]> toByteArrays() {
        TreeMap<String, byte[]> bytes = new TreeMap<>();
        strata.forEach((stratum, seen) -> bytes.put(stratum, seen.toByteArray()));
        return bytes;
    }

    /** Adds what {@link #toByteArrays} returned. */
    void addAll(Map<String, byte[]> bytes) {
        bytes.forEach((stratum, seen) -> add(stratum, CalibrationStatistics.fromByteArray(seen)));
    }
}
