package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;

/**
 * What a quantizer needs to know: the same for every row of a head, or of a token.
 *
 * @param format what a code stands for
 * @param dtype the element type of the values, and of what comes back
 * @param step the type that every step is rounded to: F32, or {@code dtype} for the reference's own arithmetic
 * @param scale one scale a column, as numbers of {@code step}; a row has as many columns
 * @param zeroPoint one zero point a column
 */
public record QuantSpec(NumberFormat format, Dtype dtype, Dtype step, float[] scale, float[] zeroPoint) {
    public QuantSpec {
        if (step != Dtype.F32 && step != dtype) {
            throw new IllegalArgumentException("steps in " + step + " over values in " + dtype);
        }
        if (scale.length == 0 || scale.length != zeroPoint.length) {
            throw new IllegalArgumentException(scale.length + " scales, " + zeroPoint.length + " zero points");
        }
    }

    /** Columns of a row. */
    int width() {
        return scale.length;
    }
}
