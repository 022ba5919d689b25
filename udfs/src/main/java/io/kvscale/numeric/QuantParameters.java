package io.kvscale.numeric;

/**
 * One scale and its zero point: a code q stands for {@code (q - zeroPoint) * scale}.
 *
 * <p>Every step is computed in f32 and then rounded to {@code step}, as compressed-tensors does. {@code step} is f32 under
 * {@code scale_dtype: float32} and the type of K and V under {@code scale_dtype: input}.
 *
 * @param scale finite and above 0
 * @param zeroPoint a number of the format; 0 where symmetric
 */
public record QuantParameters(float scale, float zeroPoint) {
    /** {@link #ofRange(float, float, NumberFormat, boolean, Dtype, IntegerGrid)} on the grid of compressed-tensors. */
    public static QuantParameters ofRange(float min, float max, NumberFormat format, boolean symmetric, Dtype step) {
        return ofRange(min, max, format, symmetric, step, IntegerGrid.HALF_WIDTH);
    }

    /**
     * The parameters for values within {@code [min, max]}, extended to include 0.
     *
     * @param min least value, a finite number of {@code step}
     * @param max greatest value, a finite number of {@code step}
     * @param grid of a symmetric integer format
     * @throws RangeOverflowException if max - min overflows {@code step}
     */
    public static QuantParameters ofRange(
            float min, float max, NumberFormat format, boolean symmetric, Dtype step, IntegerGrid grid) {
        float lo = Math.min(min, 0f);
        float hi = Math.max(max, 0f);
        float scale;
        float zeroPoint;
        if (symmetric) {
            scale = step.round(Math.max(-lo, hi) / grid.divisor(format));
            zeroPoint = 0f;
        } else {
            float width = step.round(hi - lo);
            if (Float.isInfinite(width)) {
                throw new RangeOverflowException(lo, hi, step);
            }
            scale = step.round(width / format.asymmetricDivisor());
            // Computed before a zero scale is replaced: lo/0 is NaN (zero point 0) or -Inf (zero point qmax).
            float shifted = step.round(format.min() - step.round(lo / scale));
            zeroPoint = Float.isNaN(shifted) ? 0f : format.round(shifted);
            if (format.isInteger()) {
                zeroPoint += 0f; // an integer has no -0
            }
        }
        return new QuantParameters(scale == 0f ? step.epsilon() : scale, zeroPoint);
    }

    /** The number of {@code format} for {@code x}; a zero keeps its sign. */
    public float quantize(float x, NumberFormat format, Dtype step) {
        return format.round(shifted(x, step));
    }

    /** {@code x / scale + zeroPoint}, before it is clamped and rounded to a number of the format. */
    public float shifted(float x, Dtype step) {
        return step.round(step.round(x / scale) + zeroPoint);
    }

    /** The value that a number of the format stands for, rounded to {@code step}. */
    public float dequantize(float q, Dtype step) {
        return step.round(unrounded(q, step));
    }

    /** {@link #dequantize} without its last rounding. */
    public float unrounded(float q, Dtype step) {
        return step.round(q - zeroPoint) * scale;
    }
}
