package io.kvscale.observer.evidence;

import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * Slots whose channels have the same ranges, bit for bit: one tensor that was saved under several names.
 *
 * @param bothRoles the layers in which K and V are equal
 * @param layers for each role the layers that are equal to another one; empty if there are none
 */
public record EqualSlots(List<Integer> bothRoles, Map<Role, List<Integer>> layers) {
    /** With fewer different ranges, two slots may be equal by chance, or because they hold a constant. */
    static final int MIN_RANGES = 32;

    public static EqualSlots of(SortedMap<Slot, SlotStatistics> slots) {
        List<Integer> bothRoles = new ArrayList<>();
        Map<Role, List<Integer>> layers = new EnumMap<>(Role.class);
        Map<List<Range>, List<Slot>> alike = new HashMap<>();
        slots.forEach((slot, seen) -> {
            List<Range> ranges = List.of(seen.ranges(1));
            if (new HashSet<>(ranges).size() >= MIN_RANGES) {
                alike.computeIfAbsent(ranges, of -> new ArrayList<>()).add(slot);
            }
        });
        for (List<Slot> equal : alike.values()) {
            for (Role role : Role.values()) {
                List<Integer> ofRole = equal.stream()
                        .filter(slot -> slot.role() == role)
                        .map(Slot::layer)
                        .toList();
                if (ofRole.size() > 1) {
                    layers.computeIfAbsent(role, of -> new ArrayList<>()).addAll(ofRole);
                }
            }
            equal.stream()
                    .filter(slot -> slot.role() == Role.KEY && equal.contains(new Slot(slot.layer(), Role.VALUE)))
                    .forEach(slot -> bothRoles.add(slot.layer()));
        }
        bothRoles.sort(null);
        layers.values().forEach(list -> list.sort(null));
        return new EqualSlots(bothRoles, layers);
    }
}
