package io.kvscale.job.convergence;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/** Takes down what growing parts of a corpus say about each slot. Not thread-safe. */
public final class CurveRecorder {
    private final SlotSchemes schemes;
    private final IntPredicate layers;
    private final List<PartSize> sizes = new ArrayList<>();
    private final List<Map<Slot, CurvePoint>> points = new ArrayList<>();
    private SortedMap<Slot, SlotStatistics> latest = new TreeMap<>();

    /**
     * @param schemes whose scales are derived
     * @param layers those that get scales
     */
    public CurveRecorder(SlotSchemes schemes, IntPredicate layers) {
        this.schemes = schemes;
        this.layers = layers;
    }

    /** Takes a part down that contains all earlier ones. Parts without tokens do not count. */
    public void add(CalibrationStatistics part) {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>(part.slots());
        slots.keySet().removeIf(slot -> !layers.test(slot.layer()) || !schemes.covers(slot.role()));
        PartSize size = PartSize.of(slots);
        if (size.tokens() == 0) {
            return;
        }
        latest = slots;
        sizes.add(size);
        points.add(slots.entrySet().parallelStream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, slot -> CurvePoint.of(slot.getValue(), schemes.of(slot.getKey())))));
    }

    /** Whether no part with tokens was taken down. */
    public boolean isEmpty() {
        return sizes.isEmpty();
    }

    /** The curves of the parts so far; the last one counts as the whole, and has not changed. */
    public Convergence curves() {
        List<Integer> kept = new ArrayList<>();
        for (int i = sizes.size() - 1; i >= 0; i--) {
            if (kept.isEmpty() || sizes.get(i).isBelow(sizes.get(kept.get(0)))) {
                kept.add(0, i);
            }
        }
        List<SlotCurve> curves = latest.entrySet().parallelStream()
                .map(slot -> curve(slot.getKey(), slot.getValue(), kept))
                .sorted(SlotCurve.WORST_FIRST)
                .toList();
        return new Convergence(kept.stream().map(sizes::get).toList(), curves, 0);
    }

    private SlotCurve curve(Slot slot, SlotStatistics all, List<Integer> kept) {
        List<CurvePoint> own = kept.stream()
                .map(i -> Objects.requireNonNullElse(points.get(i).get(slot), CurvePoint.NONE))
                .toList();
        return SlotCurve.of(slot, own, all, schemes.of(slot));
    }
}
