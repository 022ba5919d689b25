package io.kvscale.job.checkpoint;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A tensor of a checkpoint that is a scale or an offset of the KV cache, by its name.
 *
 * @param name the name in the file
 * @param file the file's name in the folder
 * @param dtype the element type, as {@code F32}
 * @param shape the dimensions, slowest first; empty for a scalar
 * @param values row-major, in f32 as engines convert them; null if the type is not F32, F64, F16 or BF16
 */
public record CheckpointScale(String name, String file, String dtype, List<Long> shape, float @Nullable [] values) {
    private static final Set<String> ALONE = Set.of(
            "k_scale", "v_scale", "q_scale", "kv_scale", "prob_output_scale", "kv_cache_scale", "kv_cache_offset");

    private static final Set<String> WITH_PARENT = Set.of(
            "q.scale",
            "k_cache.scale",
            "v_cache.scale",
            "fa_q.scale",
            "fa_k.scale",
            "fa_v.scale",
            "fa_q.offset",
            "fa_k.offset",
            "fa_v.offset",
            "q_proj.output_scale",
            "k_proj.output_scale",
            "v_proj.output_scale",
            "qkv_proj.output_scale");

    /** Whether a tensor of this name is a scale or an offset of the KV cache for some engine or producer. */
    public static boolean isScale(String name) {
        int dot = name.lastIndexOf('.');
        int before = name.lastIndexOf('.', dot - 1);
        return ALONE.contains(name.substring(dot + 1)) || dot > 0 && WITH_PARENT.contains(name.substring(before + 1));
    }

    /** The number of elements. */
    public long elements() {
        return values == null ? shape.stream().reduce(1L, (a, b) -> a * b) : values.length;
    }
}
