package io.kvscale.job.drift;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the values of one slot changed, and whether its deployed scales fit the newer ones.
 *
 * @param scheme of the deployed scales
 * @param from the older values
 * @param to the newer values
 * @param fitted error of the newer values under scales that the scheme derives from them; null if that under the deployed ones
 *     is not known
 * @param absmax the greatest |x|
 * @param percentiles of |x|, one for each of {@link #PERCENTS}; empty unless both statistics have histograms
 * @param distance {@link KolmogorovSmirnov} of the values of all heads; null unless both statistics have histograms
 */
public record SlotDrift(
        Slot slot,
        QuantizationScheme scheme,
        ValuesUnderScales from,
        ValuesUnderScales to,
        @Nullable SlotError fitted,
        Change absmax,
        List<Change> percentiles,
        @Nullable Double distance) {
    /** The percentiles of |x| that are compared, in percent. */
    public static final List<Double> PERCENTS = List.of(99.0, 99.9, 99.99);

    /**
     * Compares the statistics of one geometry.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the newer statistics give no scales of the scheme; it names no slot
     */
    static SlotDrift of(Slot slot, SlotScales deployed, SlotStatistics older, SlotStatistics newer) {
        ValuesUnderScales from = ValuesUnderScales.of(older, deployed);
        ValuesUnderScales to = ValuesUnderScales.of(newer, deployed);
        ValueCounts a = from.counts();
        ValueCounts b = to.counts();
        List<Change> percentiles = new ArrayList<>();
        if (a != null && b != null) {
            PERCENTS.forEach(percent -> percentiles.add(new Change(a.percentile(percent), b.percentile(percent))));
        }
        return new SlotDrift(
                slot,
                deployed.scheme(),
                from,
                to,
                to.error() == null ? null : SlotError.of(newer, deployed.scheme()),
                new Change(from.absmax(), to.absmax()),
                List.copyOf(percentiles),
                a == null || b == null ? null : (Double) KolmogorovSmirnov.distance(a, b));
    }

    /** SQNR in decibels of the newer values under the deployed scales; may be infinite; null if it is not known. */
    public @Nullable Double deployedDb() {
        return to.error() == null ? null : (Double) to.error().sqnrDb();
    }

    /** SQNR in decibels of the newer values under scales that fit them; may be infinite; null if it is not known. */
    public @Nullable Double fittedDb() {
        return fitted == null ? null : (Double) fitted.sqnrDb();
    }

    /** What the deployed scales lose against those that fit; below 0 if they are the better ones. */
    public @Nullable Double lossDb() {
        Double deployed = deployedDb();
        Double best = fittedDb();
        // Two infinite SQNR differ by NaN.
        return deployed == null || best == null
                ? null
                : deployed.equals(best) ? (Double) 0.0 : (Double) (best - deployed);
    }

    /** Whether the counts are of rounded values: F32 data. */
    public boolean approximate() {
        return from.counts() != null && from.counts().approximate()
                || to.counts() != null && to.counts().approximate();
    }
}
