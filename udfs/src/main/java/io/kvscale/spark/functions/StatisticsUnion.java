package io.kvscale.spark.functions;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.task.Geometries;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads and merges statistics that a query chose. Errors name the slot that does not fit. */
final class StatisticsUnion {
    private StatisticsUnion() {}

    /** @throws InvalidDataException if the bytes are not statistics; it names the argument */
    static CalibrationStatistics read(String function, String argument, byte[] bytes) {
        try {
            return CalibrationStatistics.fromByteArray(bytes);
        } catch (InvalidDataException e) {
            throw SqlValues.wrong(
                    function, argument, e.problem().what(), e.problem().remedy());
        }
    }

    /**
     * Merges {@code other} into {@code into}; {@code other} must not be used afterwards.
     *
     * @throws InvalidDataException if the geometry or the kept batches of a slot differ, if only one has histograms or
     *     norms of pairs, or if a count overflows
     */
    static void merge(String function, String argument, CalibrationStatistics into, CalibrationStatistics other) {
        other.slots().forEach((slot, added) -> {
            SlotStatistics present = into.slots().get(slot);
            if (present != null) {
                checkGeometry(function, argument, slot, present, added.geometry(), added.firstOrigin());
                if (!present.hasHistogramsLike(added)) {
                    throw new InvalidDataException(problem(
                            function,
                            argument,
                            slot,
                            "some statistics hold histograms, others ranges only",
                            "create all of them with the same kvscale.statistics, or the same last argument of"
                                    + " kv_stats_agg"));
                }
                if (!present.hasNormsLike(added)) {
                    throw new InvalidDataException(problem(
                            function,
                            argument,
                            slot,
                            "the statistics keep norms of different RoPE pairs, or only some of them keep norms",
                            "calibrate all of them with the same kvscale.statistics and config.json"));
                }
                if (!Objects.equals(present.batchPolicy(), added.batchPolicy())) {
                    throw new InvalidDataException(problem(
                            function,
                            argument,
                            slot,
                            "the statistics keep different ranges of single batches",
                            "calibrate all of them with the same observer and strategy"));
                }
            }
        });
        try {
            into.merge(other);
        } catch (ArithmeticException e) {
            throw SqlValues.wrong(
                    function,
                    argument,
                    "the sum of the counts exceeds " + Long.MAX_VALUE,
                    "check the source of these statistics: no corpus holds so many values");
        }
    }

    /** @throws InvalidDataException if values of {@code given} cannot be added to the slot */
    static void checkGeometry(
            String function,
            String argument,
            Slot slot,
            SlotStatistics present,
            Geometry given,
            @Nullable Origin origin) {
        DataProblem conflict = Geometries.conflict(slot, present.geometry(), present.firstOrigin(), given, origin);
        if (conflict != null) {
            DataProblem problem = problem(
                    function,
                    argument,
                    slot,
                    conflict.what(),
                    "merge data of one model only: filter, or GROUP BY dtype, heads and head_dim too");
            throw new InvalidDataException(conflict.sample() == null ? problem : problem.inSample(conflict.sample()));
        }
    }

    private static DataProblem problem(String function, String argument, Slot slot, String what, String remedy) {
        return SqlValues.wrong(function, argument, what, remedy).problem().inSlot(slot);
    }
}
