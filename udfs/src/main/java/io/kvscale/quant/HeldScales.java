package io.kvscale.quant;

import io.kvscale.model.onnx.GraphQuantizer;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The scales that codes were quantized with: a {@link ScaleSet} without its ranges.
 *
 * @param scale one per run of neighbouring channels, as in {@link ScaleSet}; not modified after construction
 * @param zeroPoint as many; empty if the scheme is symmetric, since all are 0
 */
public record HeldScales(QuantizationScheme scheme, Geometry geometry, float[] scale, float[] zeroPoint)
        implements Serializable {
    /**
     * The difference between two consecutive sets of scales of a slot.
     *
     * @param index the indices of the scales that differ
     * @param zeroPoint empty if the scheme is symmetric
     */
    public record Change(int[] index, float[] scale, float[] zeroPoint) {
        public boolean isEmpty() {
            return index.length == 0;
        }

        /** Heap bytes of the numbers. */
        public long bytes() {
            return 4L * (index.length + scale.length + zeroPoint.length);
        }
    }

    public static HeldScales of(ScaleSet derived) {
        float[] zeroPoints = derived.scheme().symmetric() ? new float[0] : derived.zeroPoints();
        return new HeldScales(derived.scheme(), derived.geometry(), derived.scales(), zeroPoints);
    }

    /** The arithmetic of NVFP4 with these scales; null for other schemes. */
    @Nullable
    Nvfp4 nvfp4() {
        GlobalScale convention = scheme.globalScale();
        return convention == null ? null : new Nvfp4(convention, scale[0], geometry.dtype());
    }

    /** The parameters of a channel, head x head_dim + d. Not for NVFP4, which has local scales. */
    public QuantParameters ofChannel(int channel) {
        int i = channel / (geometry.channels() / scale.length);
        return new QuantParameters(scale[i], zeroPoint.length == 0 ? 0f : zeroPoint[i]);
    }

    /** The scales as inputs of a graph that quantizes its cache. */
    public GraphQuantizer toGraph() {
        GlobalScale convention = scheme.globalScale();
        if (convention != null) {
            return GraphQuantizer.nvfp4(convention, scale[0], geometry.channels());
        }
        float[] scales = new float[geometry.channels()];
        float[] zeroPoints = new float[geometry.channels()];
        for (int channel = 0; channel < scales.length; channel++) {
            QuantParameters parameters = ofChannel(channel);
            scales[channel] = parameters.scale();
            zeroPoints[channel] = parameters.zeroPoint();
        }
        return GraphQuantizer.of(scheme.format(), scales, zeroPoints);
    }

    /** The change from this set to the next one of the slot. */
    public Change changeTo(HeldScales next) {
        int[] index = IntStream.range(0, scale.length)
                .filter(i -> scale[i] != next.scale[i]
                        || (zeroPoint.length > 0 && Float.compare(zeroPoint[i], next.zeroPoint[i]) != 0))
                .toArray();
        float[] changed = new float[index.length];
        float[] zeroPoints = new float[zeroPoint.length == 0 ? 0 : index.length];
        for (int i = 0; i < index.length; i++) {
            changed[i] = next.scale[index[i]];
            if (zeroPoints.length > 0) {
                zeroPoints[i] = next.zeroPoint[index[i]];
            }
        }
        return new Change(index, changed, zeroPoints);
    }

    /** This set with a change applied. */
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

    /** Heap bytes of the numbers. */
    public long bytes() {
        return 4L * (scale.length + zeroPoint.length);
    }
}
