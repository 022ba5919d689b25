package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/** Checks that merged statistics cover all layers of a model, K and V, with equal token counts. */
record Completeness(
        SortedMap<Slot, SlotStatistics> slots, SlotSchemes schemes, IntPredicate layers, Tolerances tolerances) {

    /** @throws InvalidDataException for the problem that sorts first */
    void check() {
        List<DataProblem> problems = new ArrayList<>();
        if (slots.isEmpty()) {
            problems.add(DataProblem.of(
                    "no K or V of any layer was found",
                    "check the recipe's tensors, targets and ignore against the names in the captures"));
        }
        slots.forEach((slot, seen) -> slotCheck(slot).check(slot, seen, problems));
        checkPairs(problems);
        checkLayers(problems);
        if (problems.isEmpty() && !tolerances.hybrid()) {
            checkTokens(problems);
        }
        if (!problems.isEmpty()) {
            throw new InvalidDataException(Collections.min(problems));
        }
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
            Slot other = new Slot(slot.layer(), slot.role() == Role.KEY ? Role.VALUE : Role.KEY);
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
                                "capture every layer, or say hybrid: true under kvscale if some have no KV cache")
                        .inSlot(new Slot(layer, Role.KEY)));
                return;
            }
        }
    }

    /** Token counts of merged statistics are the only trace of one short file among thousands. */
    private void checkTokens(List<DataProblem> problems) {
        Map<Long, List<Slot>> byTokens = new TreeMap<>();
        slots.forEach((slot, seen) ->
                byTokens.computeIfAbsent(seen.tokens(), t -> new ArrayList<>()).add(slot));
        for (Slot slot : slots.keySet()) {
            SlotStatistics keys = slots.get(new Slot(slot.layer(), Role.KEY));
            SlotStatistics values = slots.get(new Slot(slot.layer(), Role.VALUE));
            if (keys != null && values != null && keys.tokens() != values.tokens()) {
                problems.add(tokens(slot, keys.tokens() + " tokens of key, " + values.tokens() + " of value"));
                return;
            }
        }
        if (byTokens.size() > 1) {
            Map.Entry<Long, List<Slot>> common = byTokens.entrySet().stream()
                    .max(Map.Entry.comparingByValue((a, b) -> Integer.compare(a.size(), b.size())))
                    .orElseThrow();
            slots.entrySet().stream()
                    .filter(entry -> entry.getValue().tokens() != common.getKey())
                    .findFirst()
                    .ifPresent(odd -> problems.add(tokens(
                            odd.getKey(),
                            odd.getValue().tokens() + " tokens, but "
                                    + common.getValue().get(0) + " and "
                                    + (common.getValue().size() - 1) + " others have " + common.getKey())));
        }
    }

    private DataProblem tokens(Slot slot, String what) {
        SlotStatistics seen = slots.get(slot);
        return SlotCheck.problem(
                seen == null ? null : seen.firstOrigin(),
                slot,
                what,
                "a capture lacks a part of this layer: find the file with fewer tokens with 'kvscale inspect',"
                        + " or say hybrid: true under kvscale if layers may differ");
    }
}
