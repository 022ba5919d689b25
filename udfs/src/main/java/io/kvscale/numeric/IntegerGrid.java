package io.kvscale.numeric;

/**
 * How a symmetric integer format turns an absolute maximum into a scale. The codes are the same: all numbers of the format,
 * clamped. Float formats have one way only, and so do asymmetric ones.
 */
public enum IntegerGrid {
    /**
     * absmax/127.5 or absmax/7.5: half the width of the format. A value of absmax is half a step from the nearest code,
     * whatever its sign. compressed-tensors and llm-compressor use it. The default.
     */
    HALF_WIDTH,
    /** absmax/128 or absmax/8: the lowest code stands for -absmax, and +absmax is clipped by one step. ONNX Runtime uses it. */
    LOWEST_CODE;

    /** The absolute maximum divided by this is the symmetric scale. */
    public float divisor(NumberFormat format) {
        return this == LOWEST_CODE && format.isInteger() ? -format.min() : format.symmetricDivisor();
    }
}
