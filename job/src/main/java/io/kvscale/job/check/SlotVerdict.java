package io.kvscale.job.check;

import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.numeric.Dtype;
import org.jspecify.annotations.Nullable;

/**
 * What an engine does with the scale of one slot.
 *
 * @param values the scales that it runs with, one or one for each head; empty if it does not run, or not with a scale
 * @param tensor the tensor that they come from; null if there is none
 * @param reason why it is not loaded as it is; empty if it is
 */
public record SlotVerdict(
        ScaleState state, float[] values, @Nullable CheckpointScale tensor, String reason) {
    private static final float[] NONE = {};

    static SlotVerdict loaded(CheckpointScale tensor, float[] values, String reason) {
        return new SlotVerdict(ScaleState.LOADED, values, tensor, reason);
    }

    static SlotVerdict unscaled(@Nullable CheckpointScale tensor, String reason) {
        return new SlotVerdict(ScaleState.UNSCALED, new float[] {1}, tensor, reason);
    }

    static SlotVerdict invalid(CheckpointScale tensor, String reason) {
        float[] values = tensor.values();
        return new SlotVerdict(ScaleState.INVALID, values == null ? NONE : values, tensor, reason);
    }

    static SlotVerdict refused(@Nullable CheckpointScale tensor, String reason) {
        return new SlotVerdict(ScaleState.REFUSED, NONE, tensor, reason);
    }

    /** The same with the values as an engine holds them that rounds them to a type. */
    SlotVerdict held(Dtype dtype) {
        float[] rounded = values.clone();
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = dtype.round(rounded[i]);
        }
        return new SlotVerdict(state, rounded, tensor, reason);
    }

    static SlotVerdict skipped() {
        return new SlotVerdict(ScaleState.SKIPPED, NONE, null, "");
    }
}
