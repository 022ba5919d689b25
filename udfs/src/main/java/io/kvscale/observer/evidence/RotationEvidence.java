package io.kvscale.observer.evidence;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.Rotary;
import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Whether the channel ranges of a corpus look like K after RoPE and V. The thresholds were chosen on captures of real models,
 * parts of them, the same K under other rotations, and random values: captures without a mistake give no other verdict than
 * {@link Verdict#ROTATED} and {@link Verdict#UNKNOWN}.
 *
 * @param swapped with {@link Verdict#SWAPPED_IN_PART}, the layers whose V clearly looks rotated while K does not; else empty
 * @param key median over these layers if there are some, else over all
 * @param value as {@code key}, of V
 */
public record RotationEvidence(Verdict verdict, List<Integer> swapped, RotationScore key, RotationScore value) {
    /** What the ranges look like. */
    public enum Verdict {
        /** Too few tokens or channels, no RoPE, or no clear picture. */
        UNKNOWN,
        /** K is rotated, V is not. */
        ROTATED,
        /** V is rotated, K is not. */
        SWAPPED,
        /** V is rotated and K is not in some layers; in others K is rotated. */
        SWAPPED_IN_PART,
        /** K is rotated, and V is not, but other channels are paired than the model says. */
        OTHER_PAIRING,
        /** Neither is rotated, and the channels of K differ more than those of V. */
        NOT_ROTATED
    }

    /** With fewer tokens the maxima of channels differ by chance. */
    public static final long MIN_TOKENS = 128;

    /** Pairs of all layers that show something, at least; in random values they are a few. */
    private static final int MIN_CLEAR_PAIRS = 192;

    private static final int MIN_SWAPPED_PAIRS = 48;

    /** Pairs of all layers that a verdict on K alone needs. */
    private static final int MIN_PAIRS = 512;

    /** K before RoPE has a score above this multiple of that of V... */
    private static final double LARGER = 1.4;

    /** ...and above this fraction of its own score under the other pairing. */
    private static final double LARGER_RATIO = 0.6;

    /** With the pairs of a known model: its score under the other pairing is about as large, if it is not rotated. */
    private static final double UNPAIRED_RATIO = 0.8;

    private static final double MIN_EXCESS = 0.1;

    /** Times 1 / sqrt(pairs): three standard deviations of the ratio of two medians of random values. */
    private static final double EXCESS = 6;

    /** Fewer rotated channels are not looked at. */
    public static final int MIN_CHANNELS = 16;

    private static final RotationScore NO_SCORE = new RotationScore(Double.NaN, Double.NaN);
    private static final RotationEvidence NONE = new RotationEvidence(Verdict.UNKNOWN, List.of(), NO_SCORE, NO_SCORE);

    /**
     * The evidence of a corpus.
     *
     * @param model the model, which says how RoPE pairs channels; if null, both pairings, of all channels or of a part of
     *     them, are tried
     */
    public static RotationEvidence of(SortedMap<Slot, SlotStatistics> slots, @Nullable ModelConfig model) {
        RotationEvidence evidence = of(views(slots, model), model != null);
        if (model != null && (evidence.verdict == Verdict.UNKNOWN || evidence.verdict == Verdict.NOT_ROTATED)) {
            RotationEvidence other = of(otherPairings(slots, model), false);
            if (other.verdict == Verdict.ROTATED) {
                return new RotationEvidence(Verdict.OTHER_PAIRING, List.of(), other.key, other.value);
            }
        }
        return evidence;
    }

    private static List<List<LayerRotation>> otherPairings(SortedMap<Slot, SlotStatistics> slots, ModelConfig model) {
        return views(slots, model).stream()
                .map(view -> view.stream().map(LayerRotation::withOtherPairing).toList())
                .toList();
    }

    private static List<List<LayerRotation>> views(SortedMap<Slot, SlotStatistics> slots, @Nullable ModelConfig model) {
        List<List<LayerRotation>> views = new ArrayList<>();
        for (int quarters = 4; quarters >= (model == null ? 1 : 4); quarters--) {
            for (Pairing pairing : new Pairing[] {Pairing.HALVES, Pairing.NEIGHBORS}) {
                List<LayerRotation> view = view(slots, model, pairing, quarters);
                if (!view.isEmpty()) {
                    views.add(view);
                }
            }
        }
        return views;
    }

    private static RotationEvidence of(List<List<LayerRotation>> views, boolean known) {
        if (views.isEmpty()) {
            return NONE;
        }
        // The first of several, which is the most usual one.
        List<LayerRotation> best = views.get(0);
        for (List<LayerRotation> view : views) {
            best = clear(view).size() > clear(best).size() ? view : best;
        }
        List<LayerRotation> clear = clear(best);
        List<LayerRotation> swapped =
                clear.stream().filter(LayerRotation::valuesRotated).toList();
        if (clear.size() * 3 >= best.size() && pairs(clear) >= MIN_CLEAR_PAIRS) {
            if (pairs(swapped) < MIN_SWAPPED_PAIRS) {
                return evidence(Verdict.ROTATED, best, List.of());
            }
            return swapped.size() == clear.size()
                    ? evidence(Verdict.SWAPPED, best, List.of())
                    : evidence(Verdict.SWAPPED_IN_PART, swapped, swapped);
        }
        boolean still = pairs(views.get(0)) >= MIN_PAIRS
                && (views.stream().allMatch(RotationEvidence::isStill)
                        || known && views.stream().allMatch(RotationEvidence::isUnpaired));
        return evidence(still ? Verdict.NOT_ROTATED : Verdict.UNKNOWN, views.get(0), List.of());
    }

    /** K shows none of the pairs that the model rotates, and differs more than V by more than chance. */
    private static boolean isUnpaired(List<LayerRotation> view) {
        double key = median(view, layer -> layer.key().paired(layer.pairing()));
        double larger = 1 + Math.max(MIN_EXCESS, EXCESS / Math.sqrt(pairs(view)));
        return key > larger * median(view, layer -> layer.value().paired(layer.pairing()))
                && key > UNPAIRED_RATIO * median(view, layer -> layer.key().other(layer.pairing()));
    }

    private static boolean isStill(List<LayerRotation> view) {
        double key = median(view, layer -> layer.key().paired(layer.pairing()));
        return key > LARGER * median(view, layer -> layer.value().paired(layer.pairing()))
                && key > LARGER_RATIO * median(view, layer -> layer.key().other(layer.pairing()));
    }

    private static List<LayerRotation> clear(List<LayerRotation> view) {
        return view.stream()
                .filter(layer -> layer.keysRotated() || layer.valuesRotated())
                .toList();
    }

    private static int pairs(List<LayerRotation> layers) {
        return layers.stream().mapToInt(LayerRotation::pairs).sum();
    }

    private static RotationEvidence evidence(Verdict verdict, List<LayerRotation> shown, List<LayerRotation> swapped) {
        return new RotationEvidence(
                verdict,
                swapped.stream().map(LayerRotation::layer).toList(),
                new RotationScore(
                        median(shown, layer -> layer.key().halves()),
                        median(shown, layer -> layer.key().neighbors())),
                new RotationScore(
                        median(shown, layer -> layer.value().halves()),
                        median(shown, layer -> layer.value().neighbors())));
    }

    private static double median(List<LayerRotation> layers, ToDoubleFunction<LayerRotation> score) {
        return RotationScore.median(layers.stream().mapToDouble(score).toArray());
    }

    private static List<LayerRotation> view(
            SortedMap<Slot, SlotStatistics> slots, @Nullable ModelConfig model, Pairing pairing, int quarters) {
        List<LayerRotation> layers = new ArrayList<>();
        slots.forEach((slot, keys) -> {
            SlotStatistics values = slots.get(new Slot(slot.layer(), Role.VALUE));
            int headDim = keys.geometry().headDim();
            if (slot.role() != Role.KEY
                    || values == null
                    || values.geometry().headDim() != headDim
                    || Math.min(keys.tokens(), values.tokens()) < MIN_TOKENS) {
                return;
            }
            Rotary rotary = rotary(model, slot.layer(), headDim * quarters / 4);
            int channels = Math.min(rotary.channels(), headDim);
            if (!rotary.turns() || channels < MIN_CHANNELS || channels % 2 != 0) {
                return;
            }
            RotationScore key = RotationScore.of(keys, channels);
            RotationScore value = RotationScore.of(values, channels);
            if (key != null && value != null) {
                int pairs = channels / 4 * keys.geometry().heads();
                Pairing assumed = rotary.pairing() == Pairing.EITHER ? pairing : rotary.pairing();
                layers.add(new LayerRotation(slot.layer(), pairs, assumed, key, value));
            }
        });
        layers.sort(Comparator.comparingInt(LayerRotation::layer));
        return layers;
    }

    /** How RoPE turns K of a layer: as the model says, or these channels in either pairing if there is no model. */
    public static Rotary rotary(@Nullable ModelConfig model, int layer, int channels) {
        if (model == null) {
            return Rotary.unknown(channels);
        }
        LayerCache cache = model.layer(layer);
        return cache == null ? new Rotary(Pairing.NONE, 0) : cache.rotary();
    }
}
