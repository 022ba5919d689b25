package io.kvscale.job.check;

import io.kvscale.job.checkpoint.CheckpointScale;
import org.jspecify.annotations.Nullable;

/** What an engine does with the two scales of a layer, when one is missing or unusable. */
enum PairRule {
    /** Each scale counts alone, and is 1.0 where it is missing: vLLM's compressed-tensors method. */
    SEPARATE,
    /**
     * What is not above 0 counts as missing; the scale of K serves V where V has none; one of V alone is refused: the
     * base method of vLLM and SGLang.
     */
    JOINT,
    /** Both or none: TensorRT-LLM. */
    BOTH;

    /** The verdicts for K and V of a layer. */
    record Pair(SlotVerdict key, SlotVerdict value) {}

    /**
     * The verdicts for K and V.
     *
     * @param key the tensor with the scale of K; null if there is none
     * @param absentKey why there is none
     */
    Pair verdicts(
            @Nullable CheckpointScale key, String absentKey, @Nullable CheckpointScale value, String absentValue) {
        String withoutKey = key == null ? absentKey : notAboveZero(key);
        String withoutValue = value == null ? absentValue : notAboveZero(value);
        @Nullable CheckpointScale usedKey = used(key);
        @Nullable CheckpointScale usedValue = used(value);
        if (this == SEPARATE || (usedKey == null) == (usedValue == null)) {
            return new Pair(
                    usedKey == null ? SlotVerdict.unscaled(key, withoutKey) : own(usedKey),
                    usedValue == null ? SlotVerdict.unscaled(value, withoutValue) : own(usedValue));
        }
        if (this == JOINT && usedKey != null) {
            SlotVerdict own = own(usedKey);
            return new Pair(
                    own,
                    new SlotVerdict(own.state(), own.values(), usedKey, withoutValue + "; V runs with the scale of K"));
        }
        String half =
                (usedKey == null ? withoutKey : withoutValue) + "; the engine does not accept one of a pair alone";
        return new Pair(SlotVerdict.refused(key, half), SlotVerdict.refused(value, half));
    }

    private @Nullable CheckpointScale used(@Nullable CheckpointScale tensor) {
        boolean unset = this == JOINT && tensor != null && tensor.values() != null && !isAboveZero(tensor.values());
        return unset ? null : tensor;
    }

    private static boolean isAboveZero(float[] values) {
        return values.length != 1 || values[0] > 0;
    }

    private static String notAboveZero(CheckpointScale tensor) {
        float[] values = tensor.values();
        return (values == null || values.length != 1 ? tensor.name() : values[0])
                + " is not above 0 and counts as missing";
    }

    /** The verdict for a scale that is loaded whatever its value. */
    static SlotVerdict own(CheckpointScale tensor) {
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
