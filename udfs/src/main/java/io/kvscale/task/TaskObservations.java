package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a task has seen so far, whether its tensors come from files or from rows. */
final class TaskObservations {
    private final QuantizedKvCache cache;
    private final SortedMap<Slot, Geometries> geometries = new TreeMap<>();
    private @Nullable DataProblem problem;

    TaskObservations(SlotSchemes schemes, StatisticsKind kind) {
        this.cache = new QuantizedKvCache(schemes, 0, kind);
    }

    void observe(Slot slot, Position position, ByteBuffer values) {
        KvSource source = position.source();
        SlotStatistics seen = cache.statistics().get(slot);
        boolean fits = seen == null || seen.geometry().equals(source.geometry());
        if (position.element() == 0 || seen == null || !fits) {
            geometries.merge(slot, Geometries.of(source.geometry(), source.origin(0)), Geometries::merge);
        }
        // A second geometry is said once all tasks are merged; the statistics are then of no use.
        if (fits) {
            cache.observe(slot, position, values);
        }
    }

    /** Keeps the first of all problems. */
    void add(DataProblem found) {
        problem = problem == null || found.compareTo(problem) < 0 ? found : problem;
    }

    @Nullable
    DataProblem problem() {
        return problem;
    }

    CalibrationTask.Outcome outcome(Corpus corpus, CalibrationTask.Tally tally, @Nullable IOException readFailure) {
        return new CalibrationTask.Outcome(
                new CalibrationStatistics(corpus, cache.statistics()), geometries, problem, tally, readFailure);
    }
}
