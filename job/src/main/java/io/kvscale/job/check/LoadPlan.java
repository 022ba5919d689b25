package io.kvscale.job.check;

import io.kvscale.numeric.Dtype;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What an engine does with the scales of a model, by its config.
 *
 * @param outcome whether it looks for scales at all
 * @param reason why it refuses the model, or drops its scales; empty if it loads them
 * @param cacheType the type of the cache that {@code --kv-cache-dtype auto} means
 * @param needed the type that users must pass so that the scales are used; null if {@code auto} is enough
 * @param pairs what it does with missing, half and unusable pairs
 * @param byHead whether a scale has one element for each KV head instead of one
 * @param held the type in which the engine keeps the scales
 * @param notes what users should know
 */
record LoadPlan(
        Outcome outcome,
        String reason,
        String cacheType,
        @Nullable String needed,
        PairRule pairs,
        boolean byHead,
        Dtype held,
        List<String> notes) {
    /** The type of a cache that is not quantized. */
    static final String AUTO = "16 bits";

    /** What the engine does with the scales of all layers. */
    enum Outcome {
        LOAD,
        DROP,
        REFUSE
    }

    /** Loads scales for the type that {@code auto} means. */
    static LoadPlan load(String cacheType, PairRule pairs, String... notes) {
        return new LoadPlan(Outcome.LOAD, "", cacheType, null, pairs, false, Dtype.F32, List.of(notes));
    }

    /** Loads scales, which are used if users pass the type of the cache: {@code auto} means 16 bits. */
    static LoadPlan loadFor(String needed, PairRule pairs, String... notes) {
        return new LoadPlan(Outcome.LOAD, "", AUTO, needed, pairs, false, Dtype.F32, List.of(notes));
    }

    static LoadPlan drop(String cacheType, String reason) {
        return new LoadPlan(Outcome.DROP, reason, cacheType, null, PairRule.SEPARATE, false, Dtype.F32, List.of());
    }

    static LoadPlan refuse(String reason) {
        return new LoadPlan(
                Outcome.REFUSE,
                reason,
                "nothing: the model does not load",
                null,
                PairRule.SEPARATE,
                false,
                Dtype.F32,
                List.of());
    }

    /** The same for scales with one element for each KV head. */
    LoadPlan forHeads(String... newNotes) {
        return new LoadPlan(outcome, reason, cacheType, needed, pairs, true, held, List.of(newNotes));
    }

    /** The same for an engine that rounds scales to a type. */
    LoadPlan held(Dtype dtype, String note) {
        return new LoadPlan(
                outcome,
                reason,
                cacheType,
                needed,
                pairs,
                byHead,
                dtype,
                Stream.concat(notes.stream(), Stream.of(note)).toList());
    }
}
