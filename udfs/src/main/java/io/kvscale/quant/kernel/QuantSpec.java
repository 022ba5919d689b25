package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;

/**
 * The parameters of a kernel, equal for all rows.
 *
 * @param format the format of codes
 * @param dtype the type of values, before and after
 * @param step the type that every step is rounded to: F32, or {@code dtype} as compressed-tensors does
 * @param scale one scale per column, numbers of {@code step}
 * @param zeroPoint one zero point per column
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
