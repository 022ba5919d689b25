package io.kvscale.job.calibration;

import io.kvscale.job.spark.JavaSerde;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.CalibrationTask.Tally;
import io.kvscale.task.Geometries;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
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
 * too: the least problem wins, and a slot of two geometries keeps both, and the statistics of the first: they are of no
 * use but to show what is wrong before the second comes.
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
            // A cache that could not be set up has seen the tensor and has no statistics.
            SlotStatistics statistics = outcome.statistics().slots().get(slot);
            if (statistics != null) {
                one.slots.put(slot, statistics);
            }
            rows.add(new Tuple2<>(slot.layer() * 2 + (slot.role() == Role.KEY ? 0 : 1), one.toByteArray()));
        });
        return rows.iterator();
    }

    /** Adds another state, which must not be used afterwards. */
    void merge(TaskState other) {
        other.geometries.forEach((slot, seen) -> {
            Geometry first = geometries
                    .merge(slot, seen, Geometries::merge)
                    .seen()
                    .get(0)
                    .geometry();
            SlotStatistics merged = merged(of(first, slots.get(slot)), of(first, other.slots.get(slot)));
            if (merged == null) {
                slots.remove(slot);
            } else {
                slots.put(slot, merged);
            }
        });
        corpus = corpus.merge(other.corpus);
        tally = tally.merge(other.tally);
        problem = least(problem, other.problem);
    }

    private static @Nullable SlotStatistics of(Geometry geometry, @Nullable SlotStatistics seen) {
        return seen == null || seen.geometry().equals(geometry) ? seen : null;
    }

    private static @Nullable SlotStatistics merged(@Nullable SlotStatistics into, @Nullable SlotStatistics other) {
        if (into == null || other == null) {
            return into == null ? other : into;
        }
        into.merge(other);
        return into;
    }

    private static @Nullable DataProblem least(@Nullable DataProblem a, @Nullable DataProblem b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }

    /** @param beside what no task could count */
    CalibrationOutcome outcome(Corpus beside) {
        DataProblem first = problem;
        for (Map.Entry<Slot, Geometries> entry : geometries.entrySet()) {
            first = least(first, entry.getValue().conflict(entry.getKey()));
        }
        return new CalibrationOutcome(new CalibrationStatistics(corpus.merge(beside), slots), first, tally);
    }

    byte[] toByteArray() {
        byte[] statistics = new CalibrationStatistics(corpus, slots).toByteArray();
        return JavaSerde.bytes(new Bytes(statistics, geometries, problem, tally));
    }

    static TaskState fromByteArray(byte[] bytes) {
        Bytes read = JavaSerde.value(bytes, Bytes.class);
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
