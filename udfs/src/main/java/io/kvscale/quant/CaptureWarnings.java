package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.RepeatedHeads;
import io.kvscale.observer.evidence.RotationEvidence;
import io.kvscale.observer.evidence.RotationScore;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** Warns where the channel ranges look like a mistake of the capture: swapped K and V, K before RoPE, repeated heads. */
record CaptureWarnings(SortedMap<Slot, SlotStatistics> slots, Tolerances tolerances) {
    List<String> all() {
        List<String> warnings = new ArrayList<>();
        String rotation = rotation(RotationEvidence.of(slots, tolerances.model()));
        if (rotation != null) {
            warnings.add(rotation);
        }
        // With the model's config.json a wrong number of heads is an error already.
        int times = tolerances.model() == null ? RepeatedHeads.times(slots) : 1;
        if (times > 1) {
            int heads = Objects.requireNonNull(slots.get(slots.firstKey()))
                    .geometry()
                    .heads();
            warnings.add("repeated heads: in all layers, every " + times + " neighboring heads are equal bit for bit."
                    + " K and V look like " + heads / times + " KV heads that were repeated to " + heads
                    + " query heads; capture them before repeat_kv, or name the model's config.json with"
                    + " --model-config");
        }
        return warnings;
    }

    private @Nullable String rotation(RotationEvidence evidence) {
        String figures = " (median |ln ratio| of paired channels: K " + shown(evidence.key()) + "; V "
                + shown(evidence.value()) + "). ";
        return switch (evidence.verdict()) {
            case SWAPPED ->
                "K and V look swapped: V looks rotated by RoPE and K does not" + figures
                        + "Check the names in the captures, and key.tensors and value.tensors in the recipe";
            case SWAPPED_IN_PART ->
                "K and V look swapped in " + LayerRanges.of(evidence.swapped())
                        + ": there V looks rotated by RoPE and K does not, in other layers K does" + figures
                        + "Check the captures of these layers";
            case NOT_ROTATED ->
                tolerances.keysBeforeRope()
                        ? null
                        : "K does not look rotated by RoPE, but engines cache K after RoPE" + figures
                                + "Capture K after RoPE, or say keys: before_rope"
                                + (tolerances.model() == null
                                        ? ". For a model without RoPE, or with RoPE of its own kind, name its"
                                                + " config.json with --model-config"
                                        : "");
            case ROTATED ->
                tolerances.keysBeforeRope()
                        ? "K looks rotated by RoPE, but the recipe says keys: before_rope" + figures
                                + "Remove that key if K was captured after RoPE"
                        : null;
            case UNKNOWN -> null;
        };
    }

    private static String shown(RotationScore score) {
        return String.format(Locale.ROOT, "%.3f halves, %.3f neighbors", score.halves(), score.neighbors());
    }
}
