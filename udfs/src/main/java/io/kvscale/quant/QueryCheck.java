package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** Checks that Q lies beside K: in every layer if the recipe asks for queries, with query heads that share K's heads. */
record QueryCheck(SortedMap<Slot, SlotStatistics> slots, SlotSchemes schemes) {
    private static final String OTHER_CAPTURES = "capture K, V and Q of each layer from the same run of the model";

    void check(List<DataProblem> problems) {
        slots.forEach((slot, seen) -> {
            if (slot.role() == Role.KEY && schemes.covers(Role.QUERY)) {
                Slot query = new Slot(slot.layer(), Role.QUERY);
                if (!slots.containsKey(query)) {
                    problems.add(SlotCheck.problem(
                            seen.firstOrigin(),
                            query,
                            "the recipe asks for queries, but the corpus has no query of this layer",
                            "capture Q as layers.N.self_attn.q, name it with query.tensors, or remove query under kvscale"
                                    + " in the recipe"));
                }
            } else if (slot.role() == Role.QUERY) {
                String misfit = misfit(slot, seen.geometry());
                if (misfit != null) {
                    problems.add(SlotCheck.problem(seen.firstOrigin(), slot, misfit, OTHER_CAPTURES));
                }
            }
        });
    }

    private @Nullable String misfit(Slot query, Geometry of) {
        SlotStatistics keys = slots.get(query.partner());
        if (keys == null) {
            return "the corpus has the query of this layer, but no key";
        }
        Geometry key = keys.geometry();
        return of.heads() % key.heads() == 0 && of.headDim() == key.headDim()
                ? null
                : "the query has " + of.heads() + " heads of " + of.headDim() + ", which do not share the "
                        + key.heads() + " heads of " + key.headDim() + " of the key";
    }
}
