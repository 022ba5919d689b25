package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import java.util.Arrays;

/**
 * The grid search of llm-compressor's {@code memoryless_mse} observer on one tensor: shrinks every range step by step
 * and keeps, scale by scale, the step with the least sum of {@code |q - x|^norm}.
 *
 * <p>Steps are p = 1 - i/grid for i in 0..int(maxshrink * grid)-1; only a strictly lesser error wins; the search ends
 * after {@code patience} steps in which no scale improved. Errors are summed in f64.
 */
public record ReferenceMseSearch(double maxshrink, int patience, double grid, double norm) {
    /** The reference's defaults: 20 steps down to 0.81 of the range, patience 5, exponent 2.4. */
    public static final ReferenceMseSearch DEFAULT = new ReferenceMseSearch(0.2, 5, 100.0, 2.4);

    /** The chosen ranges, one a scale, their parameters and errors. */
    public record Result(float[] min, float[] max, QuantParameters[] parameters, double[] error) {}

    /**
     * Searches all scales of one tensor at once, as patience is shared among them.
     *
     * @param values one array per scale: the values, of type {@code dtype}, that share it; none empty, all finite
     */
    public Result search(float[][] values, NumberFormat format, boolean symmetric, Dtype dtype) {
        int n = values.length;
        float[] min = new float[n];
        float[] max = new float[n];
        for (int i = 0; i < n; i++) {
            min[i] = Float.POSITIVE_INFINITY;
            max[i] = Float.NEGATIVE_INFINITY;
            for (float x : values[i]) {
                min[i] = Math.min(min[i], x);
                max[i] = Math.max(max[i], x);
            }
        }
        Result best = new Result(min.clone(), max.clone(), new QuantParameters[n], new double[n]);
        Arrays.fill(best.error, Double.POSITIVE_INFINITY);
        int idle = 0;
        int steps = (int) (maxshrink * grid);
        for (int step = 0; step < steps && idle < patience; step++) {
            float p = (float) (1 - step / grid);
            boolean improved = false;
            for (int i = 0; i < n; i++) {
                float lo = dtype.round(min[i] * p);
                float hi = dtype.round(max[i] * p);
                QuantParameters candidate = QuantParameters.ofRange(lo, hi, format, symmetric, dtype);
                double error = error(values[i], candidate, format, dtype);
                if (error < best.error[i]) {
                    best.min[i] = lo;
                    best.max[i] = hi;
                    best.parameters[i] = candidate;
                    best.error[i] = error;
                    improved = true;
                }
            }
            idle = improved ? 0 : idle + 1;
        }
        return best;
    }

    /** Sum of |q - x|^norm in f64 over values fake-quantized with these parameters. */
    public double error(float[] values, QuantParameters parameters, NumberFormat format, Dtype dtype) {
        double sum = 0;
        for (float x : values) {
            float q = parameters.dequantize(parameters.quantize(x, format, dtype), dtype);
            sum += Math.pow(Math.abs((double) q - x), norm);
        }
        return sum;
    }
}
