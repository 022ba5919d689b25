package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.numeric.RangeOverflowException;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.search.RangeRule;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The scales of one slot, one per run of neighbouring channels ({@link QuantizationScheme#channelsPerScale}), row-major in
 * the scale's shape.
 *
 * @param parameters one per scale; for NVFP4 the global scale in the convention of the scheme
 * @param ranges the range of each scale
 */
public record ScaleSet(QuantizationScheme scheme, Geometry geometry, QuantParameters[] parameters, Range[] ranges) {

    /** {@link #derive(SlotStatistics, QuantizationScheme, IntegerGrid)} on the grid of compressed-tensors. */
    public static ScaleSet derive(SlotStatistics statistics, QuantizationScheme scheme) {
        return derive(statistics, scheme, IntegerGrid.HALF_WIDTH);
    }

    /**
     * Derives the scales of a slot from its statistics.
     *
     * @param grid of a symmetric integer format
     * @throws InvalidDataException if the statistics are empty or lack what the observer needs, if the group size does
     *     not divide head_dim, if a range overflows the scale dtype, or if a range has no global scale of NVFP4; it names no
     *     slot
     */
    static ScaleSet derive(SlotStatistics statistics, QuantizationScheme scheme, IntegerGrid grid) {
        Geometry geometry = statistics.geometry();
        checkGroups(scheme, geometry);
        Dtype step = scheme.step(geometry);
        Range[] ranges = checkOverflow(step, () -> rule(scheme).ranges(statistics, scheme, step, grid));
        QuantParameters[] parameters = new QuantParameters[ranges.length];
        for (int i = 0; i < ranges.length; i++) {
            if (ranges[i].isEmpty()) {
                throw problem(
                        "no finite value was observed for scale " + i + " of " + ranges.length,
                        "calibrate on more data, or take a coarser strategy");
            }
            Range range = ranges[i];
            parameters[i] = checkOverflow(step, () -> parameters(range, scheme, step, grid));
        }
        return new ScaleSet(scheme, geometry, parameters, ranges);
    }

    /** The parameters of a range, which is not empty; for NVFP4 the global scale. */
    static QuantParameters parameters(Range range, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        GlobalScale convention = scheme.globalScale();
        return convention != null
                ? new QuantParameters(Nvfp4.globalScale(range, convention), 0f)
                : QuantParameters.ofRange(range.min(), range.max(), scheme.format(), scheme.symmetric(), step, grid);
    }

    private static <T> T checkOverflow(Dtype step, Supplier<T> derivation) {
        try {
            return derivation.get();
        } catch (RangeOverflowException e) {
            throw problem(
                    String.valueOf(e.getMessage()),
                    step == Dtype.F32
                            ? "say symmetric: true"
                            : "say scale_dtype: float32 under kvscale, or symmetric: true");
        }
    }

    /** The batches that statistics must keep for a scheme's observer; null for none. */
    public static @Nullable BatchPolicy policy(QuantizationScheme scheme, Geometry geometry) {
        if (!scheme.observer().needsBatches()) {
            return null;
        }
        checkGroups(scheme, geometry);
        return new BatchPolicy(
                scheme.channelsPerScale(geometry), scheme.observer().needs() == Observer.Needs.LAST_BATCH);
    }

    static RangeRule rule(QuantizationScheme scheme) {
        if (scheme.observer() instanceof RangeRule rule) {
            return rule;
        }
        throw new IllegalArgumentException(scheme.observer() + " has no rule for ranges");
    }

    private static void checkGroups(QuantizationScheme scheme, Geometry geometry) {
        if (scheme.groupSize() > 0 && geometry.headDim() % scheme.groupSize() != 0) {
            throw problem(
                    "group_size " + scheme.groupSize() + " does not divide head_dim " + geometry.headDim(),
                    scheme.strategy() == Strategy.GROUP
                            ? "take a group_size that divides it"
                            : "take another strategy: NVFP4 has groups of 16 only");
        }
    }

    /** The scales without zero points. */
    public float[] scales() {
        float[] scales = new float[parameters.length];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = parameters[i].scale();
        }
        return scales;
    }

    /** The zero points, one per scale. */
    public float[] zeroPoints() {
        float[] zeroPoints = new float[parameters.length];
        for (int i = 0; i < zeroPoints.length; i++) {
            zeroPoints[i] = parameters[i].zeroPoint();
        }
        return zeroPoints;
    }

    static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
