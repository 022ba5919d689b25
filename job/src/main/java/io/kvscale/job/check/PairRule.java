package io.kvscale.job.check;

import io.kvscale.job.checkpoint.CheckpointScale;
import org.jspecify.annotations.Nullable;

/** What an engine does with the two scales of a layer, when one is missing or unusable. */
enum PairRule {
    /** Each scale counts alone, and is 1.0 where it is missing: vLLM's compressed-tensors method. */
    SEPARATE,
    /** Both are 1.0 if both are below 0; one above 0 serves both if it is K's, else loading fails: vLLM's base method. */
    JOINT,
    /** As {@link #JOINT}, and 0 counts as missing too: SGLang. */
    JOINT_ABOVE_ZERO,
    /** Both or none: TensorRT-LLM. */
    BOTH;

    /** A missing scale starts with this value in {@link #JOINT}. */
    private static final float MISSING = -1;

    /** The verdicts for K and V of a layer. */
    record Pair(SlotVerdict key, SlotVerdict value) {
        static Pair refused(@Nullable CheckpointScale key, @Nullable CheckpointScale value, String reason) {
            return new Pair(SlotVerdict.refused(key, reason), SlotVerdict.refused(value, reason));
        }

        static Pair unscaled(@Nullable CheckpointScale key, @Nullable CheckpointScale value, String reason) {
            return new Pair(SlotVerdict.unscaled(key, reason), SlotVerdict.unscaled(value, reason));
        }
    }

    /**
     * The verdicts for K and V.
     *
     * @param key the tensor with the scale of K; null if there is none
     * @param absentKey why there is none
     */
    Pair verdicts(
            @Nullable CheckpointScale key, String absentKey, @Nullable CheckpointScale value, String absentValue) {
        if (this == BOTH && (key == null) != (value == null)) {
            return Pair.refused(
                    key, value, "K and V must both have a scale: " + (key == null ? absentKey : absentValue));
        }
        if (this == JOINT || this == JOINT_ABOVE_ZERO) {
            float k = number(key);
            float v = number(value);
            if (this == JOINT ? k < 0 && v < 0 : k <= 0 && v <= 0) {
                return new Pair(
                        SlotVerdict.unscaled(key, key == null ? absentKey : k + " counts as missing"),
                        SlotVerdict.unscaled(value, value == null ? absentValue : v + " counts as missing"));
            }
            if (!(k > 0)) {
                return Pair.refused(
                        key,
                        value,
                        key == null ? "V has a scale, K has none: " + absentKey : "K's scale " + k + " is not above 0");
            }
            if (key != null && !(v > 0)) {
                SlotVerdict own = own(key);
                String why = value == null ? absentValue : v + " is not above 0";
                return new Pair(
                        own, new SlotVerdict(own.state(), own.values(), key, why + "; V runs with the scale of K"));
            }
        }
        return new Pair(
                key == null ? SlotVerdict.unscaled(null, absentKey) : own(key),
                value == null ? SlotVerdict.unscaled(null, absentValue) : own(value));
    }

    /** The first value of a scale. A type that kvscale does not read counts as 1, so that its verdict names the type. */
    private static float number(@Nullable CheckpointScale tensor) {
        if (tensor == null) {
            return MISSING;
        }
        float[] values = tensor.values();
        return values == null || values.length == 0 ? 1 : values[0];
    }

    /** The verdict for a scale that is loaded whatever its value. */
    private static SlotVerdict own(CheckpointScale tensor) {
        float[] values = tensor.values();
        if (values == null) {
            return SlotVerdict.invalid(tensor, "the type is " + tensor.dtype() + ", expected F32, BF16, F16 or F64");
        }
        for (float value : values) {
            if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
                return SlotVerdict.invalid(tensor, "loaded as it is, but " + value + " is not finite and above 0");
            }
        }
        return SlotVerdict.loaded(tensor, values, "");
    }
}
