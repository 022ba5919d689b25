package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The scales that codes were made with: what {@link ScaleSet} derived, without what it was derived from.
 *
 * @param scale one per run of neighbouring channels, as in {@link ScaleSet}; not changed after construction
 * @param zeroPoint likewise; empty where the scheme is symmetric, for then all are 0
 */
public record HeldScales(QuantizationScheme scheme, Geometry geometry, float[] scale, float[] zeroPoint)
        implements Serializable {
    private static final float[] NONE = {};

    /**
     * What one set of scales has other than the one before it.
     *
     * @param index which scales
     * @param zeroPoint empty where the scheme is symmetric
     */
    public record Change(int[] index, float[] scale, float[] zeroPoint) {
        public boolean isEmpty() {
            return index.length == 0;
        }

        /** Bytes of heap that the numbers take. */
        public long bytes() {
            return 4L * (index.length + scale.length + zeroPoint.length);
        }
    }

    public static HeldScales of(ScaleSet derived) {
        float[] zeroPoints = derived.scheme().symmetric() ? NONE : derived.zeroPoints();
        return new HeldScales(derived.scheme(), derived.geometry(), derived.scales(), zeroPoints);
    }

    /** The arithmetic of NVFP4 with these scales; null where the scheme is another. */
    @Nullable
    Nvfp4 nvfp4() {
        GlobalScale convention = scheme.globalScale();
        return convention == null ? null : new Nvfp4(convention, scale[0], geometry.dtype());
    }

    /** The parameters of a channel: head x head_dim + d. Not of NVFP4, where values have local scales. */
    public QuantParameters ofChannel(int channel) {
        int i = channel / (geometry.channels() / scale.length);
        return new QuantParameters(scale[i], zeroPoint.length == 0 ? 0f : zeroPoint[i]);
    }

    /** What has to be changed in this set to get the next one of the same slot. */
    public Change changeTo(HeldScales next) {
        int[] index = new int[scale.length];
        int n = 0;
        for (int i = 0; i < scale.length; i++) {
            boolean same = scale[i] == next.scale[i]
                    && (zeroPoint.length == 0 || Float.compare(zeroPoint[i], next.zeroPoint[i]) == 0);
            if (!same) {
                index[n++] = i;
            }
        }
        float[] changed = new float[n];
        float[] zeroPoints = zeroPoint.length == 0 ? NONE : new float[n];
        for (int i = 0; i < n; i++) {
            changed[i] = next.scale[index[i]];
            if (zeroPoints.length > 0) {
                zeroPoints[i] = next.zeroPoint[index[i]];
            }
        }
        return new Change(Arrays.copyOf(index, n), changed, zeroPoints);
    }

    /** This set with a change made: the next one. */
    public HeldScales with(Change change) {
        if (change.isEmpty()) {
            return this;
        }
        float[] scales = scale.clone();
        float[] zeroPoints = zeroPoint.clone();
        for (int i = 0; i < change.index.length; i++) {
            scales[change.index[i]] = change.scale[i];
            if (zeroPoints.length > 0) {
                zeroPoints[change.index[i]] = change.zeroPoint[i];
            }
        }
        return new HeldScales(scheme, geometry, scales, zeroPoints);
    }

    /** Whether all values of the slot share one scale. */
    boolean isOne() {
        return scale.length == 1;
    }

    /** The type in which every step of quantization is rounded. */
    Dtype step() {
        return scheme.scaleDtype().over(geometry.dtype());
    }

    /** Bytes of heap that the numbers take. */
    public long bytes() {
        return 4L * (scale.length + zeroPoint.length);
    }
}
