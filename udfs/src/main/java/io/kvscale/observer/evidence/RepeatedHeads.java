package io.kvscale.observer.evidence;

import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.SortedMap;

/** Finds KV heads that were repeated for the query heads: neighbors whose channel ranges are equal bit for bit. */
public final class RepeatedHeads {
    private RepeatedHeads() {}

    /**
     * How often each head of K or V occurs: the greatest n for which every n neighboring heads are equal in all layers; 1 if
     * the heads differ, or if all channels are alike, which shows nothing.
     */
    public static int times(SortedMap<Slot, SlotStatistics> slots, Role role) {
        Collection<SlotStatistics> all = slots.entrySet().stream()
                .filter(slot -> slot.getKey().role() == role)
                .map(Map.Entry::getValue)
                .toList();
        int most = all.stream().mapToInt(seen -> seen.geometry().heads()).min().orElse(1);
        if (all.stream().allMatch(RepeatedHeads::isUniform)) {
            return 1;
        }
        for (int times = most; times > 1; times--) {
            int n = times;
            if (all.stream().allMatch(seen -> isRepeated(seen, n))) {
                return n;
            }
        }
        return 1;
    }

    private static boolean isUniform(SlotStatistics seen) {
        return Arrays.stream(seen.ranges(1)).distinct().count() == 1;
    }

    private static boolean isRepeated(SlotStatistics seen, int times) {
        int heads = seen.geometry().heads();
        int headDim = seen.geometry().headDim();
        if (heads % times != 0) {
            return false;
        }
        Range[] ranges = seen.ranges(1);
        for (int channel = 0; channel < ranges.length; channel++) {
            int head = channel / headDim;
            int first = (head - head % times) * headDim + channel % headDim;
            if (!ranges[channel].equals(ranges[first])) {
                return false;
            }
        }
        return true;
    }
}
