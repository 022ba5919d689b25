package io.kvscale.observer.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.ChannelData.Rope;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class EqualSlotsTest {
    private static SortedMap<Slot, SlotStatistics> data(int headDim) {
        return new ChannelData(4, 2, headDim, 3).slots(Rope.NONE);
    }

    private static void copy(SortedMap<Slot, SlotStatistics> slots, int from, Role role, int to, Role as) {
        slots.put(new Slot(to, as), slots.get(new Slot(from, role)));
    }

    @Test
    void differentSlotsAreNotEqual() {
        assertThat(EqualSlots.of(data(16))).isEqualTo(new EqualSlots(List.of(), Map.of()));
    }

    @Test
    void keysThatWereSavedAsValuesAreFound() {
        SortedMap<Slot, SlotStatistics> slots = data(16);
        copy(slots, 3, Role.KEY, 3, Role.VALUE);
        copy(slots, 1, Role.KEY, 1, Role.VALUE);
        assertThat(EqualSlots.of(slots)).isEqualTo(new EqualSlots(List.of(1, 3), Map.of()));
    }

    @Test
    void layersThatWereSavedTwiceAreFound() {
        SortedMap<Slot, SlotStatistics> slots = data(16);
        copy(slots, 0, Role.VALUE, 2, Role.VALUE);
        copy(slots, 3, Role.VALUE, 1, Role.VALUE);
        copy(slots, 0, Role.KEY, 3, Role.KEY);
        assertThat(EqualSlots.of(slots))
                .isEqualTo(new EqualSlots(List.of(), Map.of(Role.KEY, List.of(0, 3), Role.VALUE, List.of(0, 1, 2, 3))));
    }

    @Test
    void fewChannelsAndConstantsShowNothing() {
        SortedMap<Slot, SlotStatistics> slots = data(EqualSlots.MIN_RANGES / 2 - 1);
        copy(slots, 3, Role.KEY, 3, Role.VALUE);
        assertThat(EqualSlots.of(slots).bothRoles()).isEmpty();
    }
}
