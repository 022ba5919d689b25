package io.kvscale.quant;

import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.InsufficientStatisticsException;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Derives a scale table from statistics. It is complete or an error: no slot is missing, no scale is 0 or non-finite.
 *
 * @param schemes the schemes of all slots
 * @param layers the layers that get scales
 */
public record ScaleSolver(SlotSchemes schemes, IntPredicate layers, Tolerances tolerances) {
    /** A warning is given below this number of tokens. Calibration sets usually have hundreds of thousands. */
    private static final long FEW_TOKENS = 4_096;

    private static final Tolerances NOTHING_ALLOWED = new Tolerances(false, false, false, false);

    /** A table and its warnings. */
    public record Solution(ScaleTable table, List<String> warnings) {
        /** This solution with one more warning, at the end. */
        public Solution warning(String more) {
            List<String> all = new ArrayList<>(warnings);
            all.add(more);
            return new Solution(table, all);
        }
    }

    /**
     * Derives the scales of all slots.
     *
     * @param found a problem from reading the corpus, after which the statistics may be incomplete
     * @throws InvalidDataException for the first problem in the order of sample, layer and role
     */
    public Solution solve(CalibrationStatistics statistics, @Nullable DataProblem found) {
        return solve(statistics, statistics, found, true);
    }

    /**
     * Derives the scales of all slots, and counts the values that they clip in other statistics of the same corpus.
     *
     * @param counted with histograms, if the statistics have none and {@link #clipsUncounted}
     * @param warnOfFewTokens whether a fixed number of tokens decides that there are too few; else the caller judges it
     * @throws InvalidDataException as {@link #solve(CalibrationStatistics, DataProblem)}
     */
    public Solution solve(
            CalibrationStatistics statistics,
            CalibrationStatistics counted,
            @Nullable DataProblem found,
            boolean warnOfFewTokens) {
        SortedMap<Slot, SlotStatistics> slots = wanted(statistics);
        Completeness completeness = new Completeness(slots, schemes, layers, tolerances);
        if (found != null) {
            throw new InvalidDataException(completeness.firstWith(found));
        }
        completeness.check(true);
        checkOverrides(slots.keySet());
        List<String> warnings = new ArrayList<>();
        SortedMap<Slot, SlotScales> scales = new TreeMap<>();
        ScaleQuality quality = new ScaleQuality(tolerances.maxSaturated(), Remedies.RECIPE.clipped());
        slots.forEach((slot, seen) ->
                scales.put(slot, scales(slot, seen, counted.slots().getOrDefault(slot, seen), quality, warnings)));
        quality.check();
        List<String> first = quality.warnings();
        first.addAll(new CaptureWarnings(slots, tolerances).all());
        warnings.addAll(0, first);
        String windows = TokenCounts.of(slots, tolerances).windows();
        if (windows != null) {
            warnings.add(windows);
        }
        long tokens = most(slots, SlotStatistics::tokens);
        if (warnOfFewTokens && tokens < FEW_TOKENS) {
            warnings.add("few tokens: the scales come from " + tokens + " tokens; calibrate on " + FEW_TOKENS
                    + " or more of the kind that will be served");
        }
        ScaleTable.CorpusSummary corpus = new ScaleTable.CorpusSummary(
                statistics.corpus().fingerprintHex(),
                statistics.corpus().files(),
                most(slots, SlotStatistics::samples),
                tokens,
                slots.values().stream().mapToLong(SlotStatistics::finite).sum());
        return new Solution(new ScaleTable(schemes.key(), corpus, scales), warnings);
    }

    /**
     * Checks statistics of headers as {@link #solve(CalibrationStatistics, DataProblem)} does, but not their values.
     *
     * @throws InvalidDataException for the first problem in the order of sample, layer and role
     */
    public void checkHeaders(CalibrationStatistics headers) {
        SortedMap<Slot, SlotStatistics> slots = wanted(headers);
        new Completeness(slots, schemes, layers, tolerances).check(false);
        checkOverrides(slots.keySet());
    }

    /** The problem of slots that differ in their tokens; null if there is none, or if there are other problems. */
    public @Nullable DataProblem unevenTokens(CalibrationStatistics headers) {
        return new Completeness(wanted(headers), schemes, layers, tolerances).unevenTokens();
    }

    private void checkOverrides(Set<Slot> slots) {
        SlotSchemes.Override idle = schemes.idle(slots);
        if (idle != null) {
            throw new InvalidDataException(DataProblem.of(
                    idle.name() + " matches no layer of the statistics, which hold layers "
                            + slots.stream().mapToInt(Slot::layer).min().orElse(0) + " to "
                            + slots.stream().mapToInt(Slot::layer).max().orElse(0),
                    "correct its pattern, which must occur in names such as model.layers.0.self_attn, or remove it"));
        }
    }

    /** Whether scales clip values of some slot, and only histograms would tell how many. Slots with a problem do not count. */
    public boolean clipsUncounted(CalibrationStatistics statistics) {
        return wanted(statistics).entrySet().stream().anyMatch(slot -> clipsUncounted(slot.getKey(), slot.getValue()));
    }

    /** The slots that get scales. */
    private SortedMap<Slot, SlotStatistics> wanted(CalibrationStatistics statistics) {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>(statistics.slots());
        slots.keySet().removeIf(slot -> !layers.test(slot.layer()) || !schemes.covers(slot.role()));
        return slots;
    }

    private boolean clipsUncounted(Slot slot, SlotStatistics seen) {
        QuantizationScheme scheme = schemes.of(slot);
        // Without histograms, only observers of batches clip.
        if (seen.isEmpty()
                || seen.hasHistograms()
                || seen.batchPolicy() == null
                || scheme.channelsPerScale(seen.geometry()) < seen.geometry().headDim()) {
            return false;
        }
        try {
            return Excess.of(seen, derive(slot, seen, scheme)).isClipped(scheme.format());
        } catch (InvalidDataException e) {
            return false; // solve throws it.
        }
    }

    private SlotScales scales(
            Slot slot, SlotStatistics seen, SlotStatistics counted, ScaleQuality quality, List<String> warnings) {
        ScaleSet set = derive(slot, seen, schemes.of(slot));
        int n = set.parameters().length;
        float[] scale = set.scales();
        float[] zeroPoint = set.zeroPoints();
        float[] rangeMin = new float[n];
        float[] rangeMax = new float[n];
        int zero = 0;
        for (int i = 0; i < n; i++) {
            Range range = set.ranges()[i];
            rangeMin[i] = range.min();
            rangeMax[i] = range.max();
            zero += range.min() == 0 && range.max() == 0 ? 1 : 0;
        }
        if (zero > 0) {
            warnings.add(slot + ": " + zero + " of " + n + " ranges hold zeros only and get the eps scale "
                    + set.scheme().step(seen.geometry()).epsilon());
        }
        if (seen.nan() + seen.infinite() > 0) {
            warnings.add(slot + ": " + seen.nan() + " NaN and " + seen.infinite() + " infinite values were left out");
        }
        SlotError error = SlotError.of(seen, set.scheme(), scale, zeroPoint);
        quality.add(
                slot, counted, set, counted == seen ? error : SlotError.of(counted, set.scheme(), scale, zeroPoint));
        return new SlotScales(
                set.scheme(),
                seen.geometry(),
                scale,
                zeroPoint,
                rangeMin,
                rangeMax,
                seen.min(),
                seen.max(),
                seen.finite(),
                seen.nan(),
                seen.infinite(),
                name(seen.minSample()),
                name(seen.maxSample()),
                error == null ? null : error.summary());
    }

    /**
     * Derives the scales of one slot. It checks the slot as {@link #solve(CalibrationStatistics, DataProblem)} does, but not
     * that the model is complete. Scales that clip are refused beyond {@link Tolerances#MAX_SATURATED}.
     *
     * @param remedies the remedies of errors
     * @throws InvalidDataException for the first problem of the slot
     */
    public static ScaleSet solve(Slot slot, SlotStatistics seen, QuantizationScheme scheme, Remedies remedies) {
        List<DataProblem> problems = new ArrayList<>();
        new SlotCheck(NOTHING_ALLOWED, remedies).check(slot, seen, problems);
        if (!problems.isEmpty()) {
            throw new InvalidDataException(Collections.min(problems));
        }
        ScaleSet set = derive(slot, seen, scheme);
        ScaleQuality quality = new ScaleQuality(Tolerances.MAX_SATURATED, remedies.clipped());
        quality.add(slot, seen, set, SlotError.of(seen, scheme, set.scales(), set.zeroPoints()));
        quality.check();
        return set;
    }

    private static ScaleSet derive(Slot slot, SlotStatistics seen, QuantizationScheme scheme) {
        return derive(slot, seen, scheme, IntegerGrid.HALF_WIDTH);
    }

    /** {@link ScaleSet#derive} whose errors name the slot. */
    static ScaleSet derive(Slot slot, SlotStatistics seen, QuantizationScheme scheme, IntegerGrid grid) {
        ScaleSet set;
        try {
            set = ScaleSet.derive(seen, scheme, grid);
        } catch (InsufficientStatisticsException e) {
            throw new InsufficientStatisticsException(e.problem().inSlot(slot));
        } catch (InvalidDataException e) {
            DataProblem problem = e.problem();
            throw new InvalidDataException(
                    SlotCheck.problem(seen.firstOrigin(), slot, problem.what(), problem.remedy()), e);
        }
        for (QuantParameters parameters : set.parameters()) {
            float scale = parameters.scale();
            if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
                throw new IllegalStateException(slot + ": derived the scale " + scale);
            }
        }
        return set;
    }

    private static long most(SortedMap<Slot, SlotStatistics> slots, Function<SlotStatistics, Long> count) {
        return slots.values().stream().map(count).max(Long::compare).orElse(0L);
    }

    private static @Nullable String name(@Nullable Sample sample) {
        return sample == null ? null : sample.toString();
    }
}
