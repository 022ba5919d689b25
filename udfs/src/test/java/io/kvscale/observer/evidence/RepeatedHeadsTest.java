package io.kvscale.observer.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RepeatedHeadsTest {
    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();

    /** Adds K and V of one token, with two channels per head. */
    private void layer(float... values) {
        int layer = slots.size() / 2;
        for (Role role : Role.CACHED) {
            slots.put(
                    new Slot(layer, role),
                    ChannelData.statistics(new Geometry(Dtype.F32, values.length / 2, 2), values));
        }
    }

    private int times() {
        int times = RepeatedHeads.times(slots, Role.VALUE);
        assertThat(RepeatedHeads.times(slots, Role.KEY)).isEqualTo(times);
        return times;
    }

    @Test
    void rolesAreCountedByThemselves() {
        layer(1, 2, 1, 2, 3, 4, 3, 4);
        slots.put(new Slot(0, Role.VALUE), ChannelData.statistics(new Geometry(Dtype.F32, 2, 2), 1, 2, 3, 4));
        assertThat(RepeatedHeads.times(slots, Role.KEY)).isEqualTo(2);
        assertThat(RepeatedHeads.times(slots, Role.VALUE)).isEqualTo(1);
    }

    @Test
    void equalNeighborsAreCounted() {
        assertThat(times()).isEqualTo(1);
        layer(1, 2, 1, 2, 3, 4, 3, 4);
        layer(5, 6, 5, 6, 7, 8, 7, 8);
        assertThat(times()).isEqualTo(2);
    }

    @Test
    void allHeadsMayBeEqual() {
        layer(1, 2, 1, 2, 1, 2);
        assertThat(times()).isEqualTo(3);
    }

    @Test
    void everyGroupOfEveryLayerMustBeEqual() {
        layer(1, 2, 1, 2, 3, 4, 3, 5);
        assertThat(times()).isEqualTo(1);
        slots.clear();
        layer(1, 2, 1, 2, 3, 4, 3, 4);
        layer(1, 2, 3, 4, 1, 2, 3, 4);
        assertThat(times()).isEqualTo(1);
    }

    @Test
    void theGroupsOfAllLayersMustAgree() {
        layer(1, 2, 1, 2, 1, 2, 1, 2);
        layer(1, 2, 1, 2, 3, 4, 3, 4);
        assertThat(times()).isEqualTo(2);
    }

    @Test
    void channelsThatAreAllAlikeShowNothing() {
        layer(0, 0, 0, 0);
        layer(1, 1, 1, 1);
        assertThat(times()).isEqualTo(1);
        layer(1, 2, 1, 2);
        assertThat(times()).isEqualTo(2);
    }
}
