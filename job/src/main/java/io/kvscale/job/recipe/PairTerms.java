package io.kvscale.job.recipe;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.Rotary;
import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.KeyPairs;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.RotaryPairs;
import java.io.Serializable;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a recipe says of RoPE pairs.
 *
 * @param kept whether a pass records their norms
 * @param stated the pairs that the recipe names; null if it leaves them to config.json
 */
public record PairTerms(boolean kept, @Nullable RotaryPairs stated) implements Serializable {
    private static final String REMEDY =
            "name the model's config.json with --model-config or model_config, or write keys:"
                    + " {pairing: half, rotary_dim: 64} under kvscale with the pairing and the number of the model";

    /**
     * The pairs whose norms a pass records; null for none.
     *
     * @throws InvalidOptionException if they are asked for, and are not known, or there are none in any layer, or the recipe
     *     contradicts config.json
     */
    @Nullable
    KeyPairs pairs(CaptureOptions capture) {
        if (!kept) {
            return null;
        }
        if (capture.mla()) {
            throw new InvalidOptionException(
                    "norms of RoPE pairs are for K with heads, but the model has one latent tensor per layer (MLA)",
                    "remove pairs from statistics, and keys.envelope");
        }
        @Nullable ModelConfig model = capture.model();
        if (model == null) {
            if (stated == null) {
                throw unknown("which channels of K RoPE turns together is not known");
            }
            return KeyPairs.everywhere(stated);
        }
        LayerFilter filter = capture.layerFilter();
        TreeMap<Integer, RotaryPairs> layers = new TreeMap<>();
        for (int layer = 0; layer < model.layers().size(); layer++) {
            LayerCache cache = model.layers().get(layer);
            if (cache.isCached() && filter.includes(layer)) {
                @Nullable RotaryPairs known = known(layer, cache.rotary());
                if (known == null) {
                    throw unknown("config.json does not say which channels of K RoPE turns together in layer " + layer);
                }
                layers.put(layer, known);
            }
        }
        if (layers.values().stream().allMatch(RotaryPairs.NONE::equals)) {
            throw new InvalidOptionException(
                    "the recipe asks for norms of RoPE pairs, but by config.json RoPE turns no channels of a layer that is"
                            + " calibrated: they would bound nothing",
                    "remove pairs from statistics, and keys.envelope, or correct config.json");
        }
        return new KeyPairs(layers, null);
    }

    /**
     * Checks that norms were kept of the pairs that the recipe or config.json names, as far as one does.
     *
     * @param statistics of an earlier pass
     * @throws InvalidDataException if they were kept of other pairs: ranges of them would be those of another model
     */
    void check(CalibrationStatistics statistics, SlotSchemes schemes, CaptureOptions capture) {
        List<LayerCache> layers =
                capture.model() == null ? List.of() : capture.model().layers();
        statistics.slots().forEach((slot, seen) -> {
            @Nullable RotaryPairs kept = seen.pairs();
            if (kept != null && schemes.of(slot).observer().needsPairs()) {
                @Nullable
                RotaryPairs named = slot.layer() < layers.size()
                        ? known(slot.layer(), layers.get(slot.layer()).rotary())
                        : stated;
                if (named != null && !named.equals(kept)) {
                    throw new InvalidDataException(DataProblem.of(
                                    "the statistics keep norms of RoPE pairs " + kept.described()
                                            + ", but by the recipe" + " or config.json RoPE turns " + named.described(),
                                    "correct keys or --model-config, or calibrate again with them")
                            .inSlot(slot));
                }
            }
        });
    }

    /** The pairs of a layer by config.json and the recipe; null if neither says. */
    private @Nullable RotaryPairs known(int layer, Rotary rotary) {
        return switch (rotary.pairing()) {
            case NONE -> RotaryPairs.NONE;
            case HALVES, NEIGHBORS -> {
                RotaryPairs known = new RotaryPairs(rotary.pairing() == Pairing.NEIGHBORS, rotary.channels());
                if (stated != null && !stated.equals(known)) {
                    throw new InvalidOptionException(
                            "keys says " + stated.channels() + " channels in pairing " + stated.word()
                                    + ", but by config.json RoPE turns " + known.channels() + " in pairing "
                                    + known.word() + " in layer " + layer,
                            "remove keys.pairing and keys.rotary_dim, or correct config.json");
                }
                yield known;
            }
            case EITHER, UNSTATED -> stated;
        };
    }

    private static InvalidOptionException unknown(String what) {
        return new InvalidOptionException("the recipe asks for norms of RoPE pairs, but " + what, REMEDY);
    }
}
