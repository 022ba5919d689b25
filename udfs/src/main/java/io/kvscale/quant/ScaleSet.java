package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.search.RangeRule;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The scales of one slot, one per run of neighbouring channels ({@link Strategy#channelsPerScale}), in row-major order of
 * the scale's shape.
 *
 * @param parameters one a scale; of NVFP4 the global scale, in the convention of the scheme
 * @param ranges what each came from
 */
public record ScaleSet(QuantizationScheme scheme, Geometry geometry, QuantParameters[] parameters, Range[] ranges) {

    /**
     * The scales that a slot's statistics give under a scheme.
     *
     * @throws InvalidDataException if the statistics are empty or lack what the observer needs, if the group size does
     *     not divide head_dim, if a range overflows the type that scales are computed in, or if it has no global scale of
     *     NVFP4; it names no slot
     */
    public static ScaleSet derive(SlotStatistics statistics, QuantizationScheme scheme) {
        Geometry geometry = statistics.geometry();
        checkGroups(scheme, geometry);
        Dtype step = scheme.scaleDtype().over(geometry.dtype());
        Range[] ranges = within(step, () -> rule(scheme).ranges(statistics, scheme, step));
        QuantParameters[] parameters = new QuantParameters[ranges.length];
        for (int i = 0; i < ranges.length; i++) {
            if (ranges[i].isEmpty()) {
                throw problem(
                        "no finite value was observed for scale " + i + " of " + ranges.length,
                        "calibrate on more data, or take a coarser strategy");
            }
            Range range = ranges[i];
            GlobalScale convention = scheme.globalScale();
            parameters[i] = convention != null
                    ? new QuantParameters(Nvfp4.globalOf(range, convention), 0f)
                    : within(
                            step,
                            () -> QuantParameters.ofRange(
                                    range.min(), range.max(), scheme.format(), scheme.symmetric(), step));
        }
        return new ScaleSet(scheme, geometry, parameters, ranges);
    }

    private static <T> T within(Dtype step, Supplier<T> derivation) {
        try {
            return derivation.get();
        } catch (ArithmeticException e) {
            throw problem(
                    String.valueOf(e.getMessage()),
                    step == Dtype.F32
                            ? "say symmetric: true"
                            : "say scale_dtype: float32 under kvscale, or symmetric: true");
        }
    }

    /** Which batches the statistics must keep for a scheme's observer; null for none. */
    public static @Nullable BatchPolicy policy(QuantizationScheme scheme, Geometry geometry) {
        if (!scheme.observer().needsBatches()) {
            return null;
        }
        checkGroups(scheme, geometry);
        return rule(scheme).policy(scheme, geometry);
    }

    private static RangeRule rule(QuantizationScheme scheme) {
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
                            ? "take a group_size that does"
                            : "take another strategy: the groups of NVFP4 have one size");
        }
    }

    /** The scales alone. */
    public float[] scales() {
        float[] scales = new float[parameters.length];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = parameters[i].scale();
        }
        return scales;
    }

    /** The zero points alone, as many. */
    public float[] zeroPoints() {
        float[] zeroPoints = new float[parameters.length];
        for (int i = 0; i < zeroPoints.length; i++) {
            zeroPoints[i] = parameters[i].zeroPoint();
        }
        return zeroPoints;
    }

    /** The type in which every step of quantization is rounded. */
    public Dtype step() {
        return scheme.scaleDtype().over(geometry.dtype());
    }

    static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
