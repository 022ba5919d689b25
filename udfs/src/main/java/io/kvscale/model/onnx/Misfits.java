package io.kvscale.model.onnx;

import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Differences between graph and config.json, in the order found; one entry for all cache tensors that share it. */
final class Misfits {
    private static final int MAX_SHOWN = 40;

    /** @param tensors {@code present} or {@code past_key_values}; empty if the text is not about cache tensors */
    private record Kind(String tensors, String text) {}

    /** Adjacent layers with the same roles. */
    private record Run(int first, int last, String roles) {
        String name(String tensors) {
            return tensors + "." + (first == last ? first : first + ".." + last) + "." + roles;
        }
    }

    private final Map<Kind, TreeSet<Slot>> found = new LinkedHashMap<>();

    void add(String text) {
        found.computeIfAbsent(new Kind("", text), kind -> new TreeSet<>());
    }

    /** @param text follows the name of the tensor */
    void add(String tensors, Slot slot, String text) {
        found.computeIfAbsent(new Kind(tensors, text), kind -> new TreeSet<>()).add(slot);
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /** Such as {@code it has no input input_ids; present.0..2.key|value, present.4.key missing}. */
    @Override
    public String toString() {
        List<String> texts = new ArrayList<>();
        found.forEach((kind, slots) ->
                texts.add(slots.isEmpty() ? kind.text() : names(kind.tensors(), slots) + " " + kind.text()));
        return shown(texts, "; ");
    }

    private static String names(String tensors, TreeSet<Slot> slots) {
        TreeMap<Integer, String> rolesOf = new TreeMap<>();
        slots.forEach(slot -> rolesOf.merge(slot.layer(), slot.role().word(), (key, value) -> key + "|" + value));
        List<Run> runs = new ArrayList<>();
        rolesOf.forEach((layer, roles) -> {
            Run before = runs.isEmpty() ? new Run(layer, layer, roles) : runs.get(runs.size() - 1);
            if (before.last() == layer - 1 && before.roles().equals(roles)) {
                runs.set(runs.size() - 1, new Run(before.first(), layer, roles));
            } else {
                runs.add(new Run(layer, layer, roles));
            }
        });
        return shown(runs.stream().map(run -> run.name(tensors)).toList(), ", ");
    }

    private static String shown(List<String> all, String separator) {
        int more = all.size() - MAX_SHOWN;
        return all.stream().limit(MAX_SHOWN).collect(Collectors.joining(separator))
                + (more > 0 ? separator + "and " + more + " more" : "");
    }
}
