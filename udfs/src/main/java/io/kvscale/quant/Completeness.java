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

/** Whether merged statistics cover a whole model, evenly: what no single file can show. */
record Completeness(
        SortedMap<Slot, SlotStatistics> slots, SlotSchemes schemes, IntPredicate layers, Tolerances expected) {

    /** @throws InvalidDataException for the first of all problems */
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
        if (problems.isEmpty() && !expected.hybrid()) {
            checkTokens(problems);
        }
        if (!problems.isEmpty()) {
            throw new InvalidDataException(Collections.min(problems));
        }
    }

    /** The first of a problem that the files themselves have and the NaN and infinities in what was still read. */
    DataProblem firstWith(DataProblem found) {
        List<DataProblem> problems = new ArrayList<>(List.of(found));
        slots.forEach((slot, seen) -> slotCheck(slot).checkFinite(slot, seen, problems));
        return Collections.min(problems);
    }

    private SlotCheck slotCheck(Slot slot) {
        boolean nvfp4 = schemes.of(slot).globalScale() != null;
        return new SlotCheck(expected, nvfp4 ? Remedies.OF_RECIPES.ofNvfp4() : Remedies.OF_RECIPES);
    }

    private void checkPairs(List<DataProblem> problems) {
        for (Slot slot : slots.keySet()) {
            Slot other = new Slot(slot.layer(), slot.role() == Role.KEY ? Role.VALUE : Role.KEY);
            boolean allowed = expected.mla() && slot.role() == Role.KEY;
            if (!slots.containsKey(other) && !allowed) {
                problems.add(
                        SlotCheck.at(
                                slots.get(slot).firstOrigin(),
                                other,
                                DataProblem.of(
                                        "the corpus has the " + slot.role().word() + " of this layer, but no "
                                                + other.role().word(),
                                        "capture both, or say mla: true under kvscale if the model has one latent tensor a layer")));
            }
        }
    }

    private void checkLayers(List<DataProblem> problems) {
        if (expected.hybrid() || slots.isEmpty()) {
            return;
        }
        int last = slots.lastKey().layer();
        for (int layer = 0; layer < last; layer++) {
            boolean there =
                    slots.containsKey(new Slot(layer, Role.KEY)) || slots.containsKey(new Slot(layer, Role.VALUE));
            if (!there && layers.test(layer)) {
                problems.add(DataProblem.of(
                                "layer " + layer + " is missing, though layer " + last + " is there",
                                "capture every layer, or say hybrid: true under kvscale if some have no KV cache")
                        .inSlot(new Slot(layer, Role.KEY)));
                return;
            }
        }
    }

    /** One short file among thousands shows here and nowhere else. */
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
                            odd.getValue().tokens() + " tokens, where "
                                    + common.getValue().get(0) + " and "
                                    + (common.getValue().size() - 1) + " others have " + common.getKey())));
        }
    }

    private DataProblem tokens(Slot slot, String what) {
        SlotStatistics seen = slots.get(slot);
        return SlotCheck.at(
                seen == null ? null : seen.firstOrigin(),
                slot,
                DataProblem.of(
                        what,
                        "some capture lacks a part of this layer: find the one with fewer tokens with 'kvscale inspect',"
                                + " or say hybrid: true under kvscale if layers may differ"));
    }
}
