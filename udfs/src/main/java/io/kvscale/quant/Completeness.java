package io.kvscale.quant;

import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Checks that merged statistics cover all layers of a model, K and V, and Q if the recipe asks for it, with token counts that
 * fit each other.
 */
record Completeness(
        SortedMap<Slot, SlotStatistics> slots, SlotSchemes schemes, IntPredicate layers, Tolerances tolerances) {

    /**
     * @param values whether values were read; else only shapes and counts are checked
     * @throws InvalidDataException for the problem that sorts first
     */
    void check(boolean values) {
        List<DataProblem> problems = new ArrayList<>();
        checkSlots(problems);
        if (values) {
            slots.forEach((slot, seen) -> slotCheck(slot).check(slot, seen, problems));
        }
        if (problems.isEmpty()) {
            TokenCounts.of(slots, tolerances).check(problems);
        }
        if (!problems.isEmpty()) {
            throw new InvalidDataException(Collections.min(problems));
        }
    }

    /** The problem of slots that differ in their tokens; null if they do not, or if slots are missing or do not fit. */
    @Nullable
    DataProblem unevenTokens() {
        List<DataProblem> problems = new ArrayList<>();
        checkSlots(problems);
        if (problems.isEmpty()) {
            TokenCounts.of(slots, tolerances).check(problems);
            return problems.isEmpty() ? null : Collections.min(problems);
        }
        return null;
    }

    private void checkSlots(List<DataProblem> problems) {
        if (slots.isEmpty()) {
            problems.add(DataProblem.of(
                    "no K or V of any layer was found",
                    "check the recipe's tensors, targets and ignore against the names in the captures"));
        }
        @Nullable ModelConfig model = tolerances.model();
        if (model == null) {
            checkPairs(problems);
            checkLayers(problems);
        } else if (!slots.isEmpty()) {
            problems.addAll(new ModelFit(model, layers, tolerances.hybrid()).problems(slots));
        }
        new QueryCheck(slots, schemes).check(problems);
    }

    /** The problem that sorts first: {@code found}, or NaN and infinities in the statistics of the files read. */
    DataProblem firstWith(DataProblem found) {
        List<DataProblem> problems = new ArrayList<>(List.of(found));
        slots.forEach((slot, seen) -> slotCheck(slot).checkFinite(slot, seen, problems));
        return Collections.min(problems);
    }

    private SlotCheck slotCheck(Slot slot) {
        boolean nvfp4 = schemes.of(slot).globalScale() != null;
        return new SlotCheck(tolerances, nvfp4 ? Remedies.RECIPE.forNvfp4() : Remedies.RECIPE);
    }

    private void checkPairs(List<DataProblem> problems) {
        for (Slot slot : slots.keySet()) {
            Slot other = slot.partner();
            if (!slot.role().isCached()) {
                continue;
            }
            if (tolerances.mla() && slot.role() == Role.VALUE) {
                problems.add(SlotCheck.problem(
                        slots.get(slot).firstOrigin(),
                        slot,
                        "mla is true, which means that there is no V, but here is V of a layer",
                        "remove mla under kvscale in the recipe"));
            }
            boolean allowed = tolerances.mla() && slot.role() == Role.KEY;
            if (!slots.containsKey(other) && !allowed) {
                problems.add(SlotCheck.problem(
                        slots.get(slot).firstOrigin(),
                        other,
                        "the corpus has the " + slot.role().word() + " of this layer, but no "
                                + other.role().word(),
                        "capture both, or say mla: true under kvscale if the model has one latent tensor per layer"));
            }
        }
    }

    private void checkLayers(List<DataProblem> problems) {
        if (tolerances.hybrid() || slots.isEmpty()) {
            return;
        }
        int last = slots.lastKey().layer();
        for (int layer = 0; layer < last; layer++) {
            boolean there =
                    slots.containsKey(new Slot(layer, Role.KEY)) || slots.containsKey(new Slot(layer, Role.VALUE));
            if (!there && layers.test(layer)) {
                problems.add(DataProblem.of(
                                "layer " + layer + " is missing, but layer " + last + " is present",
                                "capture every layer; if some have no KV cache, name the model's config.json with"
                                        + " --model-config, or say hybrid: true under kvscale")
                        .inSlot(new Slot(layer, Role.KEY)));
                return;
            }
        }
    }
}
