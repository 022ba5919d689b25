package io.kvscale.job.recipe;

import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.CaptureKeys;
import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The keys under {@code kvscale:}, type-checked. {@link RoleSchemes} applies them to schemes. */
final class KvscaleSection {
    private static final String OVERRIDES = RecipeKey.OVERRIDES_LAYERS.parent();

    /** More than an override for K and for V of each layer of the deepest models. */
    private static final int MAX_OVERRIDES = 1_000;

    private final Section section;

    /** @throws RecipeException for an unknown key, also in the mappings such as {@code columns} */
    KvscaleSection(Section section) {
        this.section = section;
        section.rejectUnknown(RecipeKey.under(""));
        for (RecipeKey key : RecipeKey.values()) {
            if (!key.parent().isEmpty() && !key.parent().equals(OVERRIDES)) {
                section.section(key.parent()).rejectUnknown(RecipeKey.under(key.parent()));
            }
        }
    }

    /** The keys that are set, without those of overrides. */
    List<RecipeKey> given() {
        return Arrays.stream(RecipeKey.values())
                .filter(key -> !key.parent().equals(OVERRIDES) && section.get(key) != null)
                .toList();
    }

    /**
     * An override of the scheme for some layers.
     *
     * @param path its path in the recipe
     * @param role null for both roles
     * @param scheme the fields that differ from those of the role
     */
    record LayerScheme(String path, BitSet layers, @Nullable Role role, Section scheme) {}

    /** The overrides in the order of the recipe; later ones win. */
    List<LayerScheme> overrides() {
        List<LayerScheme> overrides = new ArrayList<>();
        List<Section> given = section.sections(OVERRIDES);
        if (given.size() > MAX_OVERRIDES) {
            throw section.error(
                    OVERRIDES,
                    "the recipe has " + given.size() + " overrides, the maximum is " + MAX_OVERRIDES,
                    "name all layers of one kind in one expression, as in layers\\.(0|1|31)\\.");
        }
        // All patterns are checked before the first is matched, which may take seconds.
        List<LayerFilter> filters = filters(given);
        for (int i = 0; i < filters.size(); i++) {
            Section override = given.get(i);
            Section scheme = override.section(RecipeKey.OVERRIDES_SCHEME.leaf());
            if (scheme.values().isEmpty()) {
                throw override.error(
                        RecipeKey.OVERRIDES_SCHEME,
                        "the override has no scheme",
                        "write what differs, for example scheme: {num_bits: 4}");
            }
            String role = override.word(RecipeKey.OVERRIDES_ROLE);
            overrides.add(new LayerScheme(
                    override.path(),
                    layers(override, filters.get(i)),
                    role == null || role.equals("both") ? null : Role.valueOf(role.toUpperCase(Locale.ROOT)),
                    scheme));
        }
        return overrides;
    }

    private static List<LayerFilter> filters(List<Section> overrides) {
        List<LayerFilter> filters = new ArrayList<>();
        int size = 0;
        for (Section override : overrides) {
            override.rejectUnknown(RecipeKey.under(OVERRIDES));
            LayerFilter filter = filter(override);
            int all = size + filter.size();
            size = override.check(RecipeKey.OVERRIDES_LAYERS, () -> LayerFilter.checkSize(all));
            filters.add(filter);
        }
        return filters;
    }

    private static LayerFilter filter(Section override) {
        List<String> patterns = override.texts(RecipeKey.OVERRIDES_LAYERS);
        if (patterns.isEmpty()) {
            throw override.error(
                    RecipeKey.OVERRIDES_LAYERS,
                    "the override names no layers",
                    "give a regular expression, for example 'layers\\.(0|31)\\.'");
        }
        return override.check(RecipeKey.OVERRIDES_LAYERS, () -> new LayerFilter(patterns, List.of()));
    }

    private static BitSet layers(Section override, LayerFilter filter) {
        BitSet layers = new BitSet();
        for (int layer = 0; layer <= Slot.MAX_LAYER; layer++) {
            layers.set(layer, filter.includes(layer));
        }
        if (layers.isEmpty()) {
            throw override.error(
                    RecipeKey.OVERRIDES_LAYERS,
                    Given.shown(String.join(", ", override.texts(RecipeKey.OVERRIDES_LAYERS)))
                            + " matches no layer of any model",
                    "the expression is searched in layer names such as model.layers.0.self_attn");
        }
        return layers;
    }

    /** Whether queries are observed and get scales. */
    boolean asksForQueries() {
        String query = Role.QUERY.word();
        boolean asks = CaptureKeys.queries(section) != null;
        if (!asks && section.get(query) != null) {
            throw section.error(
                    query, "query is empty", "write query: {scheme: {}} to calibrate q_scale too, or remove it");
        }
        return asks;
    }

    /** The keys of {@code kv_cache_scheme} that differ for a role; empty if none do. */
    Section scheme(Role role) {
        return section.section(role.word()).section("scheme");
    }

    @Nullable
    ScaleDtype scaleDtype() {
        return section.word(RecipeKey.SCALE_DTYPE) == null
                ? null
                : section.constant(RecipeKey.SCALE_DTYPE, ScaleDtype.FLOAT32);
    }

    /** The convention of NVFP4's global scales, for schemes that do not name one. */
    @Nullable
    String globalScale() {
        return section.word(RecipeKey.GLOBAL_SCALE);
    }

    /**
     * An error about {@code global_scale}.
     *
     * @param what the contradiction, which follows the value
     */
    RecipeException globalScaleError(String what, String remedy) {
        return section.error(RecipeKey.GLOBAL_SCALE, "global_scale is " + globalScale() + ", but " + what, remedy);
    }

    /** The statistics to keep, without norms of pairs: what the recipe says, or else what the observers need. */
    StatisticsKind statistics(SlotSchemes schemes) {
        return keeps(schemes, StatisticsKind.HISTOGRAM.word(), "histograms", Observer::needsHistograms)
                ? StatisticsKind.HISTOGRAM
                : StatisticsKind.RANGE;
    }

    /** The norms of pairs to keep: what the recipe says, or else what the observers need. */
    PairTerms pairs(SlotSchemes schemes) {
        String pairing = section.word(RecipeKey.KEYS_PAIRING);
        long channels = section.number(RecipeKey.KEYS_ROTARY_DIM, 0);
        if ((pairing == null) != (channels == 0) || channels % 2 != 0) {
            throw section.error(
                    channels == 0 ? RecipeKey.KEYS_PAIRING : RecipeKey.KEYS_ROTARY_DIM,
                    channels % 2 != 0
                            ? "keys.rotary_dim is " + channels + ", which makes no pairs"
                            : "keys has only one of pairing and rotary_dim",
                    "write both, as in keys: {pairing: half, rotary_dim: 64}, or name the model's config.json");
        }
        return new PairTerms(
                keeps(schemes, StatisticsKind.PAIRS, "the norms of RoPE pairs", Observer::needsPairs),
                pairing == null ? null : new RotaryPairs(pairing.equals("interleaved"), (int) channels));
    }

    private boolean keeps(SlotSchemes schemes, String word, String what, Predicate<Observer> needing) {
        Optional<Observer> needs = schemes.all().stream()
                .map(QuantizationScheme::observer)
                .filter(needing)
                .findFirst();
        List<String> given = section.words(RecipeKey.STATISTICS);
        if (!given.isEmpty() && !given.contains(word) && needs.isPresent()) {
            throw section.error(
                    RecipeKey.STATISTICS,
                    "observer " + needs.get().word() + " needs " + what + ", but statistics is "
                            + String.join(", ", given),
                    "write statistics: "
                            + (given.equals(List.of("range"))
                                    ? word
                                    : "[" + String.join(", ", given) + ", " + word + "]")
                            + ", or observer: static_minmax");
        }
        return given.contains(word) || needs.isPresent();
    }

    /** Whether ranges of K must hold at every position. */
    boolean envelope() {
        return section.flag(RecipeKey.KEYS_ENVELOPE, false);
    }

    /** An error about {@code keys.envelope}. */
    RecipeException envelopeError(String what, String remedy) {
        return section.error(RecipeKey.KEYS_ENVELOPE, what, remedy);
    }
}
