package io.kvscale.job.recipe;

import io.kvscale.scheme.Vocabulary;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * llm-compressor's modifiers and their keys, of the current and earlier releases. Recipes with other keys are refused,
 * because an unknown key is most likely misspelt.
 */
final class Modifiers {
    private static final String ANY = " index group start end update requires_calibration_data";
    private static final String QUANTIZATION = "kv_cache_scheme config_groups targets ignore scheme weight_observer"
            + " input_observer output_observer observer bypass_divisibility_checks disable_quantization_observer_epoch"
            + " num_calibration_steps sequential_targets";
    private static final String HESSIAN = " block_size dampening_frac offload_hessians sequential_update quantize";
    private static final String SPARSITY = "sparsity sparsity_profile mask_structure owl_m owl_lmbda sequential_update"
            + " sequential_targets targets ignore";
    private static final String SMOOTHING =
            "smoothing_strength mappings ignore num_calibration_steps calibration_function algorithm";
    private static final String ROTATION = "rotations transform_type targets ignore randomize learnable precision"
            + " transform_block_size transform_config mappings norm_mappings";
    private static final String MAGNITUDE = "targets init_sparsity final_sparsity update_scheduler scheduler_args"
            + " mask_structure leave_enabled apply_globally";
    private static final String AWQ = " mappings offload_device duo_scaling n_grid max_chunk_memory apply_clip";
    private static final String AUTO_ROUND = " iters enable_torch_compile batch_size lr device_ids disable_opt_rtn";

    private static final Map<String, Vocabulary> KEYS = Map.ofEntries(
            keys("QuantizationModifier", QUANTIZATION),
            keys("GPTQModifier", QUANTIZATION + HESSIAN + " actorder"),
            keys("AWQModifier", QUANTIZATION + AWQ),
            keys("AutoRoundModifier", QUANTIZATION + AUTO_ROUND),
            keys("SmoothQuantModifier", SMOOTHING),
            keys("LogarithmicEqualizationModifier", SMOOTHING),
            keys("SparseGPTModifier", SPARSITY + HESSIAN + " preserve_sparsity_mask"),
            keys("WandaPruningModifier", SPARSITY),
            keys("ConstantPruningModifier", "targets"),
            keys("MagnitudePruningModifier", MAGNITUDE),
            keys("REAPPruningModifier", "sparsity ignore report_path"),
            keys("QuIPModifier", ROTATION),
            keys("SpinQuantModifier", ROTATION),
            keys("IMatrixGatherer", "targets ignore weight_observer attach_by_initialize"));

    private static Map.Entry<String, Vocabulary> keys(String modifier, String keys) {
        return Map.entry(modifier, Vocabulary.of((keys + ANY).split(" ", -1)));
    }

    /** The names of the modifiers whose keys are known. */
    static final Vocabulary NAMES =
            Vocabulary.of(KEYS.keySet().stream().sorted().toArray(String[]::new));

    private Modifiers() {}

    /** Whether a key is within two edits of the name of a known modifier. */
    static boolean isMisspelt(String key) {
        return !KEYS.containsKey(key) && Vocabulary.distance(key, NAMES.nearest(key)) <= 2;
    }

    /** Whether a key names a modifier: a known one, or one that is newer than this list. */
    static boolean isModifier(String key) {
        return key.endsWith("Modifier") || KEYS.containsKey(key);
    }

    /** The keys of a modifier; null if the modifier is not known. */
    static @Nullable Vocabulary keysOf(String modifier) {
        return KEYS.get(modifier);
    }
}
