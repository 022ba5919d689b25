package io.kvscale.job.calibration;

import io.kvscale.cache.CalibrationTask;
import io.kvscale.cache.CalibrationTask.Tally;
import io.kvscale.cache.Geometries;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * The state of some tasks, or of some of their slots: what is merged. A commutative monoid, in which bad data is a value
 * too: the least problem wins, and a slot of two geometries keeps those instead of statistics.
 */
final class TaskState {
    /** The row of what belongs to no slot. */
    private static final int NO_SLOT = -1;

    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
    private final TreeMap<Slot, Geometries> geometries = new TreeMap<>();
    private Corpus corpus = Corpus.EMPTY;
    private Tally tally = Tally.NONE;
    private @Nullable DataProblem problem;

    /** The form between tasks. */
    private record Bytes(
            byte[] statistics,
            TreeMap<Slot, Geometries> geometries,
            @Nullable DataProblem problem,
            Tally tally) implements Serializable {}

    /** A task's state as rows by slot, so that slots can be merged in parallel. */
    static Iterator<Tuple2<Integer, byte[]>> rows(CalibrationTask.Outcome outcome) {
        List<Tuple2<Integer, byte[]>> rows = new ArrayList<>();
        TaskState beside = new TaskState();
        beside.corpus = outcome.statistics().corpus();
        beside.tally = outcome.tally();
        beside.problem = outcome.problem();
        rows.add(new Tuple2<>(NO_SLOT, beside.toByteArray()));
        outcome.geometries().forEach((slot, seen) -> {
            TaskState one = new TaskState();
            one.geometries.put(slot, seen);
            one.slots.put(slot, outcome.statistics().slots().get(slot));
            rows.add(new Tuple2<>(slot.layer() * 2 + (slot.role() == Role.KEY ? 0 : 1), one.toByteArray()));
        });
        return rows.iterator();
    }

    /** Adds another state, which must not be used afterwards. */
    void merge(TaskState other) {
        other.geometries.forEach((slot, seen) -> {
            Geometries merged = geometries.merge(slot, seen, Geometries::merge);
            if (merged.conflict(slot) == null) {
                slots.merge(slot, other.slots.get(slot), TaskState::merged);
            } else {
                slots.remove(slot);
            }
        });
        corpus = corpus.merge(other.corpus);
        tally = tally.merge(other.tally);
        problem = least(problem, other.problem);
    }

    private static SlotStatistics merged(SlotStatistics into, SlotStatistics other) {
        into.merge(other);
        return into;
    }

    private static @Nullable DataProblem least(@Nullable DataProblem a, @Nullable DataProblem b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }

    CalibrationOutcome outcome() {
        DataProblem first = problem;
        for (Map.Entry<Slot, Geometries> entry : geometries.entrySet()) {
            first = least(first, entry.getValue().conflict(entry.getKey()));
        }
        return new CalibrationOutcome(new CalibrationStatistics(corpus, slots), first, tally);
    }

    byte[] toByteArray() {
        byte[] statistics = new CalibrationStatistics(corpus, slots).toByteArray();
        return Wire.bytes(new Bytes(statistics, geometries, problem, tally));
    }

    static TaskState fromByteArray(byte[] bytes) {
        Bytes read = Wire.value(bytes, Bytes.class);
        CalibrationStatistics statistics = CalibrationStatistics.fromByteArray(read.statistics);
        TaskState state = new TaskState();
        state.slots.putAll(statistics.slots());
        state.geometries.putAll(read.geometries);
        state.corpus = statistics.corpus();
        state.problem = read.problem;
        state.tally = read.tally;
        return state;
    }
}
