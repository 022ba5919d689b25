package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import org.jspecify.annotations.Nullable;

/**
 * The scales of one slot, one per run of {@link #channelsPerScale} neighbouring channels, in row-major order of the
 * scale's shape.
 *
 * @param parameters one a scale
 * @param ranges what each came from
 */
public record ScaleSet(QuantizationScheme scheme, Geometry geometry, QuantParameters[] parameters, Range[] ranges) {

    /**
     * The scales that a slot's statistics give under a scheme.
     *
     * @throws IllegalArgumentException with a remedy if the statistics are empty or lack what the observer needs, if the
     *     group size does not divide head_dim, or if a range overflows the type that scales are computed in
     */
    public static ScaleSet derive(SlotStatistics statistics, QuantizationScheme scheme) {
        Geometry geometry = statistics.geometry();
        checkGroups(scheme, geometry);
        int perScale = scheme.strategy().channelsPerScale(geometry, scheme.groupSize());
        Dtype step = scheme.scaleDtype().over(geometry.dtype());
        Range[] ranges = switch (scheme.observer()) {
            case STATIC_MINMAX -> statistics.ranges(perScale);
            case MINMAX -> MovingAverage.of(statistics, policy(scheme, geometry), scheme.averagingConstant(), step);
            case MEMORYLESS_MINMAX -> MovingAverage.of(statistics, policy(scheme, geometry), 1.0, step);
        };
        QuantParameters[] parameters = new QuantParameters[ranges.length];
        for (int i = 0; i < ranges.length; i++) {
            if (ranges[i].isEmpty()) {
                throw new IllegalArgumentException("no finite value was observed for scale " + i + " of "
                        + ranges.length + "; calibrate on more data, or take a coarser strategy");
            }
            try {
                parameters[i] = QuantParameters.ofRange(
                        ranges[i].min(), ranges[i].max(), scheme.format(), scheme.symmetric(), step);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                        e.getMessage()
                                + (step == Dtype.F32
                                        ? "; say symmetric: true"
                                        : "; say scale_dtype: float32 under kvscale, or symmetric: true"),
                        e);
            }
        }
        return new ScaleSet(scheme, geometry, parameters, ranges);
    }

    /** Which batches the statistics must keep for a scheme's observer; null for none. */
    public static @Nullable BatchPolicy policy(QuantizationScheme scheme, Geometry geometry) {
        if (!scheme.observer().needsBatches()) {
            return null;
        }
        checkGroups(scheme, geometry);
        return new BatchPolicy(
                scheme.strategy().channelsPerScale(geometry, scheme.groupSize()),
                scheme.observer() == Observer.MEMORYLESS_MINMAX);
    }

    private static void checkGroups(QuantizationScheme scheme, Geometry geometry) {
        if (scheme.strategy() == Strategy.GROUP && geometry.headDim() % scheme.groupSize() != 0) {
            throw new IllegalArgumentException("group_size " + scheme.groupSize() + " does not divide head_dim "
                    + geometry.headDim() + "; take a group_size that does");
        }
    }

    /** Neighbouring channels that share one scale. */
    public int channelsPerScale() {
        return geometry.channels() / parameters.length;
    }

    /** The type in which every step of quantization is rounded. */
    public Dtype step() {
        return scheme.scaleDtype().over(geometry.dtype());
    }

    public QuantParameters ofChannel(int channel) {
        return parameters[channel / channelsPerScale()];
    }

    /** Whether two sets quantize alike. */
    public boolean sameParameters(ScaleSet other) {
        return java.util.Arrays.equals(parameters, other.parameters);
    }
}
