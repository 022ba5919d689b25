package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How the scales of a serving engine follow from ranges, where engines differ. {@link #apply} turns a scale table into that of
 * another convention.
 *
 * @param grid of symmetric integer formats
 * @param globalScale of NVFP4; null keeps that of each slot
 */
public record ScaleConvention(IntegerGrid grid, @Nullable GlobalScale globalScale) {
    /** The convention of the scale table itself: nothing changes. */
    public static final ScaleConvention OWN = new ScaleConvention(IntegerGrid.HALF_WIDTH, null);

    /** The grid of scale tables, and the global scale of most engines. */
    public static final ScaleConvention DEFAULT = new ScaleConvention(IntegerGrid.HALF_WIDTH, GlobalScale.byDefault());

    /** Whether {@link #apply} reads the statistics of this table. */
    public boolean needsStatistics(ScaleTable table) {
        return table.slots().values().stream()
                .anyMatch(scales -> isChanged(scales.scheme())
                        && ScaleSet.rule(scales.scheme()).triesScales()
                        && isOfItsRanges(scales));
    }

    /**
     * The table under this convention; the same object if nothing changes. Slots whose scheme has the same scales under both
     * conventions are kept. Others get the scales of their {@code range}, or, if the observer tries scales ({@code mse}), the
     * scales that it finds under this convention in the statistics.
     *
     * <p>A scale that is not that of its range was edited by hand. An integer one is kept: codes and their meaning are the same
     * on both grids. An edited global scale is refused, because its convention gives the number another meaning.
     *
     * @param statistics those that the table was derived from; null if they are not there
     * @throws InvalidDataException if {@link #needsStatistics} and they are not there or of another run, for an edited global
     *     scale, or if a range has no scale under this convention; it names the slot
     */
    public ScaleTable apply(ScaleTable table, @Nullable CalibrationStatistics statistics) {
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        table.slots().forEach((slot, scales) -> slots.put(slot, applied(slot, scales, statistics)));
        QuantizationScheme scheme = applied(table.scheme());
        if (slots.equals(table.slots()) && scheme.equals(table.scheme())) {
            return table;
        }
        ScaleTable.Provenance from = table.provenance();
        return new ScaleTable(
                scheme, table.corpus(), slots, new ScaleTable.Provenance(from.model(), from.statisticsSha256(), null));
    }

    private SlotScales applied(Slot slot, SlotScales scales, @Nullable CalibrationStatistics statistics) {
        if (!isChanged(scales.scheme())) {
            return scales;
        }
        if (!isOfItsRanges(scales)) {
            GlobalScale before = scales.scheme().globalScale();
            if (before == null || globalScale == null) {
                return scales;
            }
            throw problem(
                    slot,
                    "the global scale " + scales.scale()[0] + " was edited: it is not " + before.formula()
                            + " of the range beside it, and this target takes " + globalScale.formula(),
                    "edit the range too, or replace scale and global_scale by " + globalScale.word());
        }
        QuantizationScheme scheme = applied(scales.scheme());
        Dtype step = scheme.step(scales.geometry());
        if (ScaleSet.rule(scheme).triesScales()) {
            SlotStatistics seen = statistics(slot, scales, statistics);
            ScaleSet set = ScaleSolver.derive(slot, seen, scheme, grid);
            return with(scales, scheme, set.parameters(), set.ranges());
        }
        int n = scales.scale().length;
        QuantParameters[] parameters = new QuantParameters[n];
        Range[] ranges = new Range[n];
        try {
            for (int i = 0; i < n; i++) {
                ranges[i] = new Range(scales.rangeMin()[i], scales.rangeMax()[i]);
                parameters[i] = ScaleSet.parameters(ranges[i], scheme, step, grid);
            }
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inSlot(slot), e);
        }
        return with(scales, scheme, parameters, ranges);
    }

    /** Whether a scheme has other scales under this convention than in a scale table. */
    private boolean isChanged(QuantizationScheme scheme) {
        boolean onGrid = scheme.symmetric() && scheme.format().isInteger();
        return scheme.globalScale() == null
                ? onGrid && grid.divisor(scheme.format()) != IntegerGrid.HALF_WIDTH.divisor(scheme.format())
                : globalScale != null && scheme.globalScale() != globalScale;
    }

    private QuantizationScheme applied(QuantizationScheme scheme) {
        return scheme.globalScale() == null || globalScale == null ? scheme : scheme.withGlobalScale(globalScale);
    }

    /** Whether the scales of a table equal those of the ranges beside them, as those of every observer do. */
    private static boolean isOfItsRanges(SlotScales scales) {
        QuantizationScheme scheme = scales.scheme();
        GlobalScale convention = scheme.globalScale();
        Dtype step = scheme.step(scales.geometry());
        for (int i = 0; i < scales.scale().length; i++) {
            float min = scales.rangeMin()[i];
            float max = scales.rangeMax()[i];
            float expected = convention != null
                    ? convention.of(Math.max(Math.abs(min), Math.abs(max)))
                    : QuantParameters.ofRange(min, max, scheme.format(), scheme.symmetric(), step)
                            .scale();
            if (scales.scale()[i] != expected) {
                return false;
            }
        }
        return true;
    }

    private static SlotStatistics statistics(Slot slot, SlotScales scales, @Nullable CalibrationStatistics statistics) {
        String word = scales.scheme().observer().word();
        if (statistics == null) {
            throw problem(
                    slot,
                    "observer " + word + " compares the errors of scales, and those of this target are other ones",
                    "name the result folder, with statistics.kvstats beside kv_scales.json");
        }
        SlotStatistics seen = statistics.slots().get(slot);
        if (seen == null
                || seen.finite() != scales.count()
                || seen.min() != scales.min()
                || seen.max() != scales.max()) {
            throw problem(
                    slot,
                    "statistics.kvstats is not that of the scale table, which has " + scales.count() + " values from "
                            + scales.min() + " to " + scales.max() + ", "
                            + (seen == null
                                    ? "the statistics have none"
                                    : "the statistics " + seen.finite() + " from " + seen.min() + " to " + seen.max()),
                    "name the result folder of one run, or derive the scales again with kvscale scales");
        }
        return seen;
    }

    private static SlotScales with(
            SlotScales scales, QuantizationScheme scheme, QuantParameters[] parameters, Range[] ranges) {
        int n = parameters.length;
        float[] scale = new float[n];
        float[] rangeMin = new float[n];
        float[] rangeMax = new float[n];
        for (int i = 0; i < n; i++) {
            scale[i] = parameters[i].scale();
            rangeMin[i] = ranges[i].min();
            rangeMax[i] = ranges[i].max();
        }
        // The error was that of the other scales.
        return new SlotScales(
                scheme,
                scales.geometry(),
                scale,
                new float[n],
                rangeMin,
                rangeMax,
                scales.min(),
                scales.max(),
                scales.count(),
                scales.nan(),
                scales.infinite(),
                scales.minSample(),
                scales.maxSample(),
                null);
    }

    private static InvalidDataException problem(Slot slot, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inSlot(slot));
    }
}
