package io.kvscale.quant;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Checks that slots are those that a model's config.json says, with its KV heads and head_dim.
 *
 * @param layers the layers that must be complete
 * @param hybrid whether layers may be missing
 */
public record ModelFit(ModelConfig model, IntPredicate layers, boolean hybrid) {
    private static final String OTHER_MODEL = "give the config.json of the model that was captured";

    /**
     * Checks statistics. Those of a single layer may lack the others: some connectors write a file for each layer.
     *
     * @throws InvalidDataException if the statistics do not fit: the problem that sorts first
     */
    public void check(CalibrationStatistics statistics) {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>(statistics.slots());
        slots.keySet().removeIf(slot -> !layers.test(slot.layer()));
        int first = slots.isEmpty() ? 0 : slots.firstKey().layer();
        boolean one = !slots.isEmpty() && first == slots.lastKey().layer();
        check(new ModelFit(model, one ? layer -> layer == first : layers, hybrid).problems(slots));
    }

    /** @throws InvalidDataException if the scales do not fit: the problem that sorts first */
    public void check(ScaleTable scales) {
        SortedMap<Slot, Geometry> slots = new TreeMap<>();
        scales.slots().forEach((slot, scale) -> slots.put(slot, scale.geometry()));
        slots.keySet().removeIf(slot -> !layers.test(slot.layer()));
        check(problems(slots, slot -> null));
    }

    private static void check(List<DataProblem> problems) {
        if (!problems.isEmpty()) {
            throw new InvalidDataException(Collections.min(problems));
        }
    }

    List<DataProblem> problems(SortedMap<Slot, SlotStatistics> slots) {
        SortedMap<Slot, Geometry> geometries = new TreeMap<>();
        slots.forEach((slot, seen) -> geometries.put(slot, seen.geometry()));
        return problems(geometries, slot -> {
            SlotStatistics seen = slots.get(slot);
            return seen == null ? null : seen.firstOrigin();
        });
    }

    private List<DataProblem> problems(SortedMap<Slot, Geometry> slots, Function<Slot, @Nullable Origin> origins) {
        List<DataProblem> problems = new ArrayList<>();
        slots.forEach((slot, geometry) -> {
            String misfit = misfit(slot, geometry);
            if (misfit != null) {
                problems.add(SlotCheck.problem(origins.apply(slot), slot, misfit, OTHER_MODEL));
            }
        });
        for (int layer = 0; layer < model.layers().size() && !hybrid; layer++) {
            for (Role role : Role.CACHED) {
                Slot slot = new Slot(layer, role);
                if (layers.test(layer) && model.holds(slot) && !slots.containsKey(slot)) {
                    problems.add(missing(slot, slots, origins));
                    return problems;
                }
            }
        }
        return problems;
    }

    private @Nullable String misfit(Slot slot, Geometry geometry) {
        @Nullable LayerCache cache = model.layer(slot.layer());
        if (cache == null) {
            return "the model has " + model.layers().size() + " layers according to config.json";
        } else if (!cache.isCached()) {
            return "this layer has " + cache.kind().words() + " according to config.json";
        } else if (cache.headDim(slot.role()) == 0) {
            return "the model has one latent tensor per layer and no V according to config.json";
        }
        int heads = geometry.heads();
        int headDim = geometry.headDim();
        int expected = model.heads(slot.role(), cache);
        return heads == expected && headDim == cache.headDim(slot.role())
                ? null
                : "this slot has " + heads + " heads of " + headDim + ", config.json says " + expected + " of "
                        + cache.headDim(slot.role());
    }

    private DataProblem missing(Slot slot, SortedMap<Slot, Geometry> slots, Function<Slot, @Nullable Origin> origins) {
        Slot other = slot.partner();
        return SlotCheck.problem(
                origins.apply(other),
                slot,
                slots.containsKey(other)
                        ? "the corpus has the " + other.role().word() + " of this layer, but no "
                                + slot.role().word()
                        : "layer " + slot.layer() + " is missing, but config.json says that it has a KV cache",
                "capture every layer, " + OTHER_MODEL + ", or leave the layer out with ignore");
    }
}
