package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;

/** A slow reference of {@link Nvfp4}: it searches a table of the numbers that codes stand for. */
public final class NaiveNvfp4 {
    private NaiveNvfp4() {}

    /** Quantizes and dequantizes 16 values. */
    public static float[] fakeQuantized(float[] group, GlobalScale convention, float global, Dtype dtype) {
        float scale = scale(local(group, convention, global, dtype), convention, global);
        float[] out = new float[group.length];
        for (int i = 0; i < group.length; i++) {
            out[i] = scale == 0 ? 0f : dtype.round(fp4(group[i] / scale) * scale);
        }
        return out;
    }

    static float scale(float local, GlobalScale convention, float global) {
        return switch (convention) {
            case DIVISOR -> local / global;
            case MULTIPLIER, ABSMAX_448 -> local * global;
        };
    }

    static float local(float[] group, GlobalScale convention, float global, Dtype dtype) {
        float most = 0;
        for (float x : group) {
            most = Math.max(most, Math.abs(x));
        }
        float part = dtype.round(most / 6f);
        return e4m3(Math.min(
                448f,
                switch (convention) {
                    case DIVISOR -> global * part;
                    case MULTIPLIER, ABSMAX_448 -> part / global;
                }));
    }

    /** The number nearest to x; the even code wins a tie. */
    static float e4m3(float x) {
        int best = 0;
        for (int code = 0; code < 0x7f; code++) {
            double here = Math.abs((double) NumberFormat.FP8_E4M3.decode(code) - x);
            double there = Math.abs((double) NumberFormat.FP8_E4M3.decode(best) - x);
            best = here < there || (here == there && code % 2 == 0) ? code : best;
        }
        return NumberFormat.FP8_E4M3.decode(best);
    }

    private static float fp4(float t) {
        if (t == 0) {
            return 0f;
        }
        float a = Math.abs(t);
        float q = a <= .25f
                ? 0f
                : a < .75f
                        ? .5f
                        : a <= 1.25f ? 1f : a < 1.75f ? 1.5f : a <= 2.5f ? 2f : a < 3.5f ? 3f : a <= 5f ? 4f : 6f;
        return Math.copySign(q, t);
    }
}
