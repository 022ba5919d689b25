package io.kvscale.job.recipe;

import io.kvscale.scheme.Vocabulary;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * llm-compressor's modifiers and the keys that each of them takes, of this release and of earlier ones: a key that is
 * missing here is a slip of the pen.
 */
final class Modifiers {
    private static final Vocabulary ANY =
            Vocabulary.of("index", "group", "start", "end", "update", "requires_calibration_data");

    private static final Vocabulary QUANTIZATION = Vocabulary.of(
                    "kv_cache_scheme",
                    "config_groups",
                    "targets",
                    "ignore",
                    "scheme",
                    "weight_observer",
                    "input_observer",
                    "output_observer",
                    "observer",
                    "bypass_divisibility_checks",
                    "disable_quantization_observer_epoch",
                    "num_calibration_steps",
                    "sequential_targets")
            .and(ANY);

    private static final Vocabulary HESSIAN =
            Vocabulary.of("block_size", "dampening_frac", "offload_hessians", "sequential_update", "quantize");

    private static final Vocabulary SPARSITY = Vocabulary.of(
                    "sparsity",
                    "sparsity_profile",
                    "mask_structure",
                    "owl_m",
                    "owl_lmbda",
                    "sequential_update",
                    "sequential_targets",
                    "targets",
                    "ignore")
            .and(ANY);

    private static final Vocabulary SMOOTHING = Vocabulary.of(
                    "smoothing_strength",
                    "mappings",
                    "ignore",
                    "num_calibration_steps",
                    "calibration_function",
                    "algorithm")
            .and(ANY);

    private static final Vocabulary ROTATION = Vocabulary.of(
                    "rotations",
                    "transform_type",
                    "targets",
                    "ignore",
                    "randomize",
                    "learnable",
                    "precision",
                    "transform_block_size",
                    "transform_config",
                    "mappings",
                    "norm_mappings")
            .and(ANY);

    private static final Map<String, Vocabulary> KEYS = Map.ofEntries(
            Map.entry("QuantizationModifier", QUANTIZATION),
            Map.entry("GPTQModifier", QUANTIZATION.and(HESSIAN).and(Vocabulary.of("actorder"))),
            Map.entry(
                    "AWQModifier",
                    QUANTIZATION.and(Vocabulary.of(
                            "mappings", "offload_device", "duo_scaling", "n_grid", "max_chunk_memory", "apply_clip"))),
            Map.entry(
                    "AutoRoundModifier",
                    QUANTIZATION.and(Vocabulary.of(
                            "iters", "enable_torch_compile", "batch_size", "lr", "device_ids", "disable_opt_rtn"))),
            Map.entry("SmoothQuantModifier", SMOOTHING),
            Map.entry("LogarithmicEqualizationModifier", SMOOTHING),
            Map.entry("SparseGPTModifier", SPARSITY.and(HESSIAN).and(Vocabulary.of("preserve_sparsity_mask"))),
            Map.entry("WandaPruningModifier", SPARSITY),
            Map.entry("ConstantPruningModifier", Vocabulary.of("targets").and(ANY)),
            Map.entry(
                    "MagnitudePruningModifier",
                    Vocabulary.of(
                                    "targets",
                                    "init_sparsity",
                                    "final_sparsity",
                                    "update_scheduler",
                                    "scheduler_args",
                                    "mask_structure",
                                    "leave_enabled",
                                    "apply_globally")
                            .and(ANY)),
            Map.entry(
                    "REAPPruningModifier",
                    Vocabulary.of("sparsity", "ignore", "report_path").and(ANY)),
            Map.entry("QuIPModifier", ROTATION),
            Map.entry("SpinQuantModifier", ROTATION),
            Map.entry(
                    "IMatrixGatherer",
                    Vocabulary.of("targets", "ignore", "weight_observer", "attach_by_initialize")
                            .and(ANY)));

    private static final String[] NAMES = KEYS.keySet().stream().sorted().toArray(String[]::new);

    private Modifiers() {}

    /** The modifiers whose keys are known. */
    static Vocabulary names() {
        return Vocabulary.of(NAMES);
    }

    /** Whether a key is a known modifier's name but for a letter or two. */
    static boolean isMisspelt(String key) {
        return !KEYS.containsKey(key) && Vocabulary.distance(key, names().nearest(key)) <= 2;
    }

    /** Whether a key names a modifier: a known one, or one that may be newer than this list. */
    static boolean isModifier(String key) {
        return key.endsWith("Modifier") || KEYS.containsKey(key);
    }

    /** The keys of that modifier, or null where it is not a known one. */
    static @Nullable Vocabulary keysOf(String modifier) {
        return KEYS.get(modifier);
    }
}
