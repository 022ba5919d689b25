package io.kvscale.job.check;

import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The scales that a checkpoint should have.
 *
 * @param scales the values of each slot, one or one for each head
 */
public record ExpectedScales(Map<Slot, float[]> scales) {
    /**
     * The result in which every loaded scale that is not the expected one, bit for bit, differs. Compared are the values of
     * the files, before an engine rounds them.
     *
     * @throws InvalidDataException if a slot is in no attention layer of the model
     */
    public CheckResult compare(CheckResult found) {
        Set<Slot> known = found.layers().stream()
                .flatMap(layer -> layer.slots().keySet().stream())
                .collect(Collectors.toSet());
        for (Slot slot : scales.keySet()) {
            if (!known.contains(slot)) {
                throw new InvalidDataException(DataProblem.of(
                                "the scales have this slot, but the model has no attention layer for it: it has "
                                        + found.layers().size() + " layers with a KV cache",
                                "name the scales of this model with --scales")
                        .inSlot(slot));
            }
        }
        List<LayerVerdict> layers = new ArrayList<>();
        for (LayerVerdict layer : found.layers()) {
            SlotVerdict value = layer.value();
            SlotVerdict query = layer.query();
            layers.add(new LayerVerdict(
                    layer.layer(),
                    layer.module(),
                    compared(new Slot(layer.layer(), Role.KEY), layer.key()),
                    value == null ? null : compared(new Slot(layer.layer(), Role.VALUE), value),
                    query == null ? null : compared(new Slot(layer.layer(), Role.QUERY), query)));
        }
        return new CheckResult(
                found.target(),
                found.rules(),
                found.quantMethod(),
                found.cacheType(),
                found.needed(),
                layers,
                found.ignored(),
                found.notes());
    }

    /** Whether there are scales of queries. */
    public boolean hasQueries() {
        return scales.keySet().stream().anyMatch(slot -> slot.role() == Role.QUERY);
    }

    private SlotVerdict compared(Slot slot, SlotVerdict found) {
        float @Nullable [] expected = scales.get(slot);
        CheckpointScale tensor = found.tensor();
        float @Nullable [] stored = tensor == null ? null : tensor.values();
        if (found.state() != ScaleState.LOADED
                || stored == null
                || expected != null && Arrays.equals(expected, stored)) {
            return found;
        }
        return new SlotVerdict(
                ScaleState.DIFFERENT,
                found.values(),
                found.tensor(),
                expected == null ? "--scales has no scale for it" : difference(expected, stored));
    }

    private static String difference(float[] expected, float[] found) {
        if (expected.length != found.length) {
            return "there are " + found.length + " scales, --scales has " + expected.length;
        }
        int at = 0;
        while (Float.compare(expected[at], found[at]) == 0) {
            at++;
        }
        return "the scale" + (expected.length > 1 ? " of head " + at : "") + " is " + found[at] + ", --scales has "
                + expected[at];
    }
}
