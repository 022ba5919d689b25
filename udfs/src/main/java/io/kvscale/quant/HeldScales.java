package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import java.util.Arrays;

/**
 * The scales that a block of codes keeps: what {@link ScaleSet} derived, without what it was derived from.
 *
 * @param scale one per run of neighbouring channels, as in {@link ScaleSet}; not changed after construction
 * @param zeroPoint likewise
 */
public record HeldScales(QuantizationScheme scheme, Geometry geometry, float[] scale, float[] zeroPoint) {

    public static HeldScales of(ScaleSet derived) {
        int n = derived.parameters().length;
        float[] scale = new float[n];
        float[] zeroPoint = new float[n];
        for (int i = 0; i < n; i++) {
            scale[i] = derived.parameters()[i].scale();
            zeroPoint[i] = derived.parameters()[i].zeroPoint();
        }
        return new HeldScales(derived.scheme(), derived.geometry(), scale, zeroPoint);
    }

    /** The parameters of a channel: head x head_dim + d. */
    public QuantParameters ofChannel(int channel) {
        int i = channel / (geometry.channels() / scale.length);
        return new QuantParameters(scale[i], zeroPoint[i]);
    }

    /** Whether all values of the slot share one scale. */
    boolean isOne() {
        return scale.length == 1;
    }

    /** The type in which every step of quantization is rounded. */
    Dtype step() {
        return scheme.scaleDtype().over(geometry.dtype());
    }

    /** Whether two sets quantize alike, to the bit. */
    public boolean quantizesAs(HeldScales other) {
        return Arrays.equals(scale, other.scale) && Arrays.equals(zeroPoint, other.zeroPoint);
    }

    /** Bytes of heap that the numbers take. */
    public long bytes() {
        return 4L * (scale.length + zeroPoint.length);
    }
}
