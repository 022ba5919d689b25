package io.kvscale.job.recipe;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.CaptureKeys;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.option.RecipeKey;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * A validated recipe: llm-compressor's YAML, or only a {@code kv_cache_scheme}, with kvscale's own keys under
 * {@code kvscale}.
 *
 * @param name the name of its file, for messages
 * @param schemes how each slot is quantized
 * @param capture how captures are read
 * @param modelConfig the path of the model's config.json; null if the recipe names none
 * @param statistics what a pass keeps of the values, except norms of RoPE pairs
 * @param pairs what the recipe says of RoPE pairs
 * @param hybrid layers may be missing because they have no KV cache
 * @param allowZero a slot with only zeros gets the smallest scale instead of an error
 * @param maxSaturated the share of the values of a slot that its scales may clip at a loss, in percent
 * @param keysBeforeRope K was captured before RoPE
 * @param text how texts are chosen and run, if the input is text
 * @param given the keys under {@code kvscale} that it sets, without those of overrides
 * @param notices messages for the user, such as keys that are ignored
 */
public record Recipe(
        String name,
        SlotSchemes schemes,
        CaptureOptions capture,
        @Nullable String modelConfig,
        StatisticsKind statistics,
        PairTerms pairs,
        boolean hybrid,
        boolean allowZero,
        OnNonfinite onNonfinite,
        double maxSaturated,
        boolean keysBeforeRope,
        TextSettings text,
        List<RecipeKey> given,
        List<String> notices)
        implements Serializable {

    private static final int MAX_LISTED = 20;
    private static final String OBSERVER = "observer";

    public Recipe {
        given = List.copyOf(given);
        notices = List.copyOf(notices);
    }

    /**
     * Parses a recipe.
     *
     * @param yaml YAML or JSON; not trusted
     * @param name the name of its file, for messages
     * @throws RecipeException if anything is wrong with it
     */
    public static Recipe parse(String yaml, String name) {
        Section top = Section.of(name, RecipeFile.mapping(yaml, name));
        Section ours = top.section(SchemeFinder.KVSCALE).expanded(RecipeKey.KEYS_ROPE);
        KvscaleSection kvscale = new KvscaleSection(ours);
        SchemeFinder finder = new SchemeFinder();
        List<String> ignored = new ArrayList<>();
        Section scheme = finder.find(top);
        SlotSchemes schemes = new RoleSchemes(scheme, kvscale, ignored).all();
        boolean keysBeforeRope = "before_rope".equals(ours.word(RecipeKey.KEYS_ROPE));
        return new Recipe(
                name,
                schemes,
                CaptureKeys.read(ours),
                ours.text(RecipeKey.MODEL_CONFIG),
                kvscale.statistics(schemes),
                kvscale.pairs(schemes),
                ours.flag(RecipeKey.HYBRID, false),
                ours.flag(RecipeKey.ALLOW_ZERO, false),
                ours.constant(RecipeKey.ON_NONFINITE, OnNonfinite.FAIL),
                ours.decimal(RecipeKey.MAX_SATURATED, Tolerances.MAX_SATURATED),
                keysBeforeRope,
                TextKeys.read(ours),
                kvscale.given(),
                notices(
                        finder.ignored(),
                        ignored,
                        keysBeforeRope,
                        finder.isInModifier() && !namesObserver(scheme, kvscale)));
    }

    /** Whether the observer of K and of V is named. */
    private static boolean namesObserver(Section scheme, KvscaleSection kvscale) {
        return scheme.get(OBSERVER) != null
                || Role.CACHED.stream().allMatch(role -> kvscale.scheme(role).get(OBSERVER) != null);
    }

    /**
     * Reads a recipe from any Hadoop file system.
     *
     * @throws RecipeException if the file is absent or wrong
     */
    public static Recipe read(Path file, Configuration configuration) {
        return parse(RecipeFile.read(file, configuration), file.toString());
    }

    /**
     * This recipe for a model whose config.json is known.
     *
     * @throws io.kvscale.input.InvalidOptionException if the recipe contradicts it
     */
    public Recipe withModel(ModelConfig config) {
        return with(capture.withModel(config), statistics);
    }

    /** This recipe for a pass that keeps samples apart, to show how statistics grow: {@link StatisticsKind#levels}. */
    public Recipe inLevels() {
        return with(capture, statistics.inLevels());
    }

    private Recipe with(CaptureOptions read, StatisticsKind kept) {
        return new Recipe(
                name,
                schemes,
                read,
                modelConfig,
                kept,
                pairs,
                hybrid,
                allowZero,
                onNonfinite,
                maxSaturated,
                keysBeforeRope,
                text,
                given,
                notices);
    }

    /**
     * What a pass keeps of the values.
     *
     * @throws io.kvscale.input.InvalidOptionException if norms of RoPE pairs are asked for, and the pairs are not known
     */
    public StatisticsKind kept() {
        return statistics.with(pairs.pairs(capture));
    }

    /**
     * Checks that statistics of an earlier pass keep norms of the RoPE pairs that the recipe or config.json names.
     *
     * @throws io.kvscale.tensor.InvalidDataException if they are those of other pairs; it names the slot
     */
    public void checkPairs(CalibrationStatistics earlier) {
        pairs.check(earlier, schemes, capture);
    }

    /** What deviations of the corpus the recipe allows, and the layers that the model has. */
    public Tolerances tolerances() {
        return new Tolerances(
                hybrid,
                mla(),
                allowZero,
                onNonfinite == OnNonfinite.SKIP,
                maxSaturated,
                keysBeforeRope,
                capture.model());
    }

    /** The paths of the keys that the recipe sets, and that concern none of these inputs. */
    public List<String> unused(Input... inputs) {
        return given.stream()
                .filter(key -> !key.scope().concerns(List.of(inputs)))
                .map(RecipeKey::path)
                .toList();
    }

    /** Whether each layer has one latent tensor and no V. */
    public boolean mla() {
        return capture.mla();
    }

    /** @param otherObserver whether llm-compressor would take its own default observer */
    private static List<String> notices(
            List<String> foreign, List<String> ignored, boolean keysBeforeRope, boolean otherObserver) {
        List<String> notices = new ArrayList<>();
        if (!foreign.isEmpty()) {
            notices.add("ignored these recipe keys, which do not concern the KV cache: " + listed(foreign)
                    + " (to choose layers, use kvscale.targets and kvscale.ignore)");
        }
        if (!ignored.isEmpty()) {
            notices.add("ignored these recipe keys: " + listed(ignored)
                    + " (kvscale.scale_dtype sets the type of scales; num_bits and type set that of zero points)");
        }
        if (otherObserver) {
            notices.add(
                    "the recipe names no observer: kvscale takes static_minmax, the range of all values; llm-compressor"
                            + " would take minmax, a moving average over batches (write observer: minmax for that one)");
        }
        if (keysBeforeRope) {
            notices.add("keys is before_rope, but serving engines cache K after RoPE: these k_scale values do not fit"
                    + " their cache");
        }
        return notices;
    }

    private static String listed(List<String> keys) {
        List<String> shown = keys.stream().distinct().map(DataProblem::shown).toList();
        return shown.size() <= MAX_LISTED
                ? String.join(", ", shown)
                : String.join(", ", shown.subList(0, MAX_LISTED)) + " and " + (shown.size() - MAX_LISTED) + " more";
    }
}
