package io.kvscale.model.onnx;

import io.kvscale.model.onnx.nodes.QuantizerNodes;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import java.util.Arrays;

/**
 * What a graph needs to fake-quantize a slot: one number for each channel in each row of {@link QuantizerNodes}.
 *
 * @param rows {@code [QuantizerNodes.ROWS, heads x head_dim]}; not modified after construction
 * @param local whether groups of 16 values have local scales (NVFP4)
 */
public record GraphQuantizer(float[] rows, boolean local) {
    /** The number of rows. */
    public static final int ROWS = QuantizerNodes.ROWS;

    /**
     * Static scales.
     *
     * @param scale the scale of every channel, head x head_dim + d
     * @param zeroPoint likewise; all 0 if symmetric
     */
    public static GraphQuantizer of(NumberFormat format, float[] scale, float[] zeroPoint) {
        return new GraphQuantizer(rows(format, scale, zeroPoint, 1, 1), false);
    }

    /** NVFP4 with a global scale, for so many channels. */
    public static GraphQuantizer nvfp4(GlobalScale convention, float global, int channels) {
        boolean divides = convention == GlobalScale.DIVISOR;
        float[] none = new float[channels];
        return new GraphQuantizer(
                rows(NumberFormat.FP4_E2M1, none, none, divides ? global : 1, divides ? 1 : global), true);
    }

    private static float[] rows(NumberFormat format, float[] scale, float[] zeroPoint, float factor, float divisor) {
        int channels = scale.length;
        float[] rows = new float[QuantizerNodes.ROWS * channels];
        System.arraycopy(scale, 0, rows, QuantizerNodes.SCALE * channels, channels);
        System.arraycopy(zeroPoint, 0, rows, QuantizerNodes.ZERO * channels, channels);
        fill(rows, QuantizerNodes.LEAST, format.min(), channels);
        fill(rows, QuantizerNodes.GREATEST, format.max(), channels);
        // An integer is a float whose step is 1 at every magnitude.
        int mantissa = format.mantissaBits();
        fill(rows, QuantizerNodes.SLOPE, format.isInteger() ? 0 : QuantizerNodes.slope(mantissa), channels);
        fill(rows, QuantizerNodes.FLOOR, QuantizerNodes.floor(mantissa, format.minExponent()), channels);
        fill(rows, QuantizerNodes.GLOBAL_FACTOR, factor, channels);
        fill(rows, QuantizerNodes.GLOBAL_DIVISOR, divisor, channels);
        return rows;
    }

    private static void fill(float[] rows, int row, float value, int channels) {
        Arrays.fill(rows, row * channels, (row + 1) * channels, value);
    }
}
