package io.kvscale.job.drift;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Checks that scales and two statistics are of one model, captured alike. */
record SlotMatch(ScaleTable deployed, NamedStatistics older, NamedStatistics newer) {
    private static final String SAME_MODEL = "name statistics of one model, captured with the same layers and dtype";

    /** @throws InvalidDataException for the first slot, by layer and role, that is missing, differs or has no values */
    void check() {
        SortedMap<Slot, SlotStatistics> before = older.content().slots();
        SortedMap<Slot, SlotStatistics> now = newer.content().slots();
        TreeSet<Slot> all = new TreeSet<>(before.keySet());
        all.addAll(now.keySet());
        all.addAll(deployed.slots().keySet());
        for (Slot slot : all) {
            SlotScales scales = deployed.slots().get(slot);
            // Queries may be observed for one of the two only.
            if (scales != null || slot.role().isCached()) {
                Geometry from = geometry(older, newer, slot, before.get(slot), scales);
                Geometry to = geometry(newer, older, slot, now.get(slot), scales);
                if (!from.equals(to)) {
                    throw problem(
                            newer,
                            slot,
                            "this slot has " + to + ", and " + from + " in " + DataProblem.shown(older.file()),
                            SAME_MODEL);
                }
                if (scales != null && !scales.geometry().equals(to)) {
                    throw problem(
                            newer,
                            slot,
                            "this slot has " + to + ", and the scales are for " + scales.geometry(),
                            "name the scales of this model with --scales");
                }
            }
        }
    }

    private static Geometry geometry(
            NamedStatistics in,
            NamedStatistics other,
            Slot slot,
            @Nullable SlotStatistics seen,
            @Nullable SlotScales scales) {
        if (seen == null) {
            throw other.content().slots().containsKey(slot)
                    ? problem(
                            in,
                            slot,
                            "these statistics lack this slot, which " + DataProblem.shown(other.file()) + " has",
                            SAME_MODEL)
                    : problem(
                            in,
                            slot,
                            "the scales have this slot, and these statistics lack it",
                            "name the scales of this model with --scales, and statistics of all its layers");
        }
        if (scales != null && seen.isEmpty()) {
            throw problem(in, slot, "this slot has no finite value", "calibrate on more data");
        }
        return seen.geometry();
    }

    private static InvalidDataException problem(NamedStatistics in, Slot slot, String what, String remedy) {
        return new InvalidDataException(
                DataProblem.of(what, remedy).inSlot(slot).inFile(in.file()));
    }
}
