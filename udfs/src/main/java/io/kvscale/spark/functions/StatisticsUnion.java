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

/** Brings statistics together that strangers chose: what does not belong together is said slot by slot. */
final class StatisticsUnion {
    private StatisticsUnion() {}

    /** @throws InvalidDataException for bytes that are no statistics; it names the argument */
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
     * @throws InvalidDataException if a slot has another geometry, or other batches, in the two, or histograms in one only;
     *     or if a count overflows
     */
    static void merge(String function, String argument, CalibrationStatistics into, CalibrationStatistics other) {
        other.slots().forEach((slot, added) -> {
            SlotStatistics present = into.slots().get(slot);
            if (present != null) {
                checkGeometry(function, argument, slot, present, added.geometry(), added.firstOrigin());
                if (!present.countsLike(added)) {
                    throw new InvalidDataException(SqlValues.wrong(
                                    function,
                                    argument,
                                    "some statistics hold histograms, others ranges only",
                                    "make all of them with the same kvscale.statistics, or the same last argument of"
                                            + " kv_stats_agg")
                            .problem()
                            .inSlot(slot));
                }
                if (!Objects.equals(present.batchPolicy(), added.batchPolicy())) {
                    throw new InvalidDataException(SqlValues.wrong(
                                    function,
                                    argument,
                                    "some statistics keep the ranges of single batches, others do not, or keep others",
                                    "calibrate all of them with the same observer and strategy")
                            .problem()
                            .inSlot(slot));
                }
            }
        });
        try {
            into.merge(other);
        } catch (ArithmeticException e) {
            throw SqlValues.wrong(
                    function,
                    argument,
                    "the counts together are beyond " + Long.MAX_VALUE,
                    "check where these statistics come from: no corpus holds as many values");
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
            DataProblem problem = SqlValues.wrong(
                            function,
                            argument,
                            conflict.what(),
                            "bring together what is of one model only: filter, or GROUP BY dtype, heads and head_dim too")
                    .problem()
                    .inSlot(slot);
            throw new InvalidDataException(conflict.sample() == null ? problem : problem.inSample(conflict.sample()));
        }
    }
}
