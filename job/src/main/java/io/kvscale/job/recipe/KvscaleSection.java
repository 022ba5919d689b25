package io.kvscale.job.recipe;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.LayerPattern;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The keys under {@code kvscale:}, type-checked; what they do to a scheme is {@link RoleSchemes}' business. */
final class KvscaleSection {
    static final String GLOBAL_SCALE = "global_scale";
    private static final String OVERRIDES = "overrides";
    private static final Vocabulary KEYS = Vocabulary.of(
                    "key",
                    "value",
                    "layout",
                    "kv_heads",
                    "head_dim",
                    "mask",
                    "targets",
                    "ignore",
                    "hybrid",
                    "mla",
                    "allow_zero",
                    "on_nonfinite",
                    "keys",
                    "columns",
                    "scale_dtype",
                    GLOBAL_SCALE,
                    "statistics",
                    OVERRIDES)
            .and(TextKeys.KEYS);
    private static final Vocabulary OVERRIDE_KEYS = Vocabulary.of("layers", "role", "scheme");
    private static final Vocabulary ROLES = Vocabulary.of("key", "value", "both");
    private static final Vocabulary ROLE_KEYS = Vocabulary.of("tensors", "scheme");
    private static final Vocabulary COLUMNS =
            Vocabulary.of("sample", "layer", "role", "shape", "heads", "head_dim", "dtype", "data");
    private static final Vocabulary LAYOUTS = Vocabulary.of("BHSD", "SHD", "2THD");
    private static final Vocabulary ON_NONFINITE = Vocabulary.of("fail", "skip");
    private static final Vocabulary KEYS_WORDS = Vocabulary.of("after_rope", "before_rope");
    private static final Vocabulary STATISTICS = Vocabulary.of("range", "histogram");
    private static final Vocabulary GLOBAL_SCALES = Vocabulary.of("divisor", "multiplier");
    private static final Vocabulary SCALE_DTYPES = Vocabulary.of("float32", "input");

    private final Section section;

    /** @throws RecipeException for a key that is unknown here, or in {@code key} and {@code value} */
    KvscaleSection(Section section) {
        this.section = section;
        section.rejectUnknown(KEYS);
        role(Role.KEY).rejectUnknown(ROLE_KEYS);
        role(Role.VALUE).rejectUnknown(ROLE_KEYS);
    }

    /**
     * An override: what is said of some layers.
     *
     * @param name its path in the recipe
     * @param role null for both
     * @param scheme fields that differ from those of the role
     */
    record LayerScheme(String name, BitSet layers, @Nullable Role role, Section scheme) {}

    /** In the order of the recipe, in which later ones win. */
    List<LayerScheme> overrides() {
        List<LayerScheme> overrides = new ArrayList<>();
        for (Section override : section.sections(OVERRIDES)) {
            override.rejectUnknown(OVERRIDE_KEYS);
            Section scheme = override.section("scheme");
            if (scheme.values().isEmpty()) {
                throw override.error("scheme", "the override has no scheme", "say what differs: scheme: {num_bits: 4}");
            }
            String role = override.word("role", ROLES);
            overrides.add(new LayerScheme(
                    override.path(),
                    matched(override),
                    role == null || role.equals("both") ? null : Role.valueOf(role.toUpperCase(Locale.ROOT)),
                    scheme));
        }
        return overrides;
    }

    private static BitSet matched(Section override) {
        List<String> patterns = override.texts("layers");
        if (patterns.isEmpty()) {
            throw override.error(
                    "layers", "the override names no layers", "give a regular expression, as 'layers\\.(0|31)\\.'");
        }
        BitSet layers = new BitSet();
        LayerFilter filter = checked(override, "layers", () -> new LayerFilter(patterns, List.of()));
        for (int layer = 0; layer <= Slot.MAX_LAYER; layer++) {
            layers.set(layer, filter.includes(layer));
        }
        if (layers.isEmpty()) {
            throw override.error(
                    "layers",
                    Given.shown(String.join(", ", patterns)) + " matches no layer of any model",
                    "it is looked for in names as model.layers.0.self_attn");
        }
        return layers;
    }

    private Section role(Role role) {
        return section.section(role.word());
    }

    /** The overrides of {@code kv_cache_scheme} for a role; empty where there are none. */
    Section scheme(Role role) {
        return role(role).section("scheme");
    }

    @Nullable
    ScaleDtype scaleDtype() {
        String word = section.word("scale_dtype", SCALE_DTYPES);
        return word == null ? null : ScaleDtype.valueOf(word.toUpperCase(Locale.ROOT));
    }

    /** What the global scales of NVFP4 are, where their scheme does not say it. */
    @Nullable
    String globalScale() {
        return section.word(GLOBAL_SCALE, GLOBAL_SCALES);
    }

    RecipeException error(String key, String what, String remedy) {
        return section.error(key, what, remedy);
    }

    /** @param schemes what they need is kept where nothing else is said, and cannot be denied */
    StatisticsKind statistics(SlotSchemes schemes) {
        Optional<Observer> counts = schemes.all().stream()
                .map(QuantizationScheme::observer)
                .filter(Observer::needsCounts)
                .findFirst();
        String word = section.word("statistics", STATISTICS);
        if (word == null) {
            return counts.isPresent() ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        }
        StatisticsKind kind = StatisticsKind.valueOf(word.toUpperCase(Locale.ROOT));
        if (kind == StatisticsKind.RANGE && counts.isPresent()) {
            throw section.error(
                    "statistics",
                    "observer " + counts.get().word() + " needs histograms, but statistics is range",
                    "say statistics: histogram, or observer: static_minmax");
        }
        return kind;
    }

    OnNonfinite onNonfinite() {
        String word = section.word("on_nonfinite", ON_NONFINITE);
        return word == null ? OnNonfinite.FAIL : OnNonfinite.valueOf(word.toUpperCase(Locale.ROOT));
    }

    boolean keysBeforeRope() {
        return "before_rope".equals(section.word("keys", KEYS_WORDS));
    }

    boolean hybrid() {
        return section.flag("hybrid");
    }

    boolean allowZero() {
        return section.flag("allow_zero");
    }

    CaptureOptions capture() {
        String layout = section.word("layout", LAYOUTS);
        String key = tensors(Role.KEY);
        String value = tensors(Role.VALUE);
        int kvHeads = section.wholeNumber("kv_heads", Geometry.MAX_CHANNELS);
        int headDim = section.wholeNumber("head_dim", Geometry.MAX_CHANNELS);
        String mask = section.text("mask");
        List<String> targets = layers("targets");
        List<String> ignore = layers("ignore");
        boolean mla = section.flag("mla");
        TableColumns columns = columns();
        return checked(
                "",
                () -> new CaptureOptions(
                        key,
                        value,
                        layout == null ? null : Layout.named(layout).orElseThrow(),
                        kvHeads,
                        headDim,
                        mask,
                        targets,
                        ignore,
                        mla,
                        columns));
    }

    private TableColumns columns() {
        Section columns = section.section("columns");
        columns.rejectUnknown(COLUMNS);
        UnaryOperator<String> named = key -> {
            String name = columns.text(key);
            return name == null ? key : name;
        };
        return new TableColumns(
                named.apply("sample"),
                named.apply("layer"),
                named.apply("role"),
                named.apply("shape"),
                named.apply("heads"),
                named.apply("head_dim"),
                named.apply("dtype"),
                named.apply("data"));
    }

    private @Nullable String tensors(Role role) {
        String regex = role(role).text("tensors");
        if (regex != null) {
            checked(role.word() + ".tensors", () -> LayerPattern.compile(regex));
        }
        return regex;
    }

    private List<String> layers(String key) {
        List<String> patterns = section.texts(key);
        checked(key, () -> new LayerFilter(patterns, List.of()));
        return patterns;
    }

    private <T> T checked(String key, Supplier<T> made) {
        return checked(section, key, made);
    }

    private static <T> T checked(Section section, String key, Supplier<T> made) {
        try {
            return made.get();
        } catch (InvalidOptionException e) {
            throw section.error(key, e.what(), e.remedy());
        }
    }
}
