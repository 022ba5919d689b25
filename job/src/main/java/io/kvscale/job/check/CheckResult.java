package io.kvscale.job.check;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an engine does with the scales of a checkpoint.
 *
 * @param target the word of {@code --for}
 * @param rules the engine and the versions that the rules were read from
 * @param quantMethod {@code quant_method} of the model; empty if it is not quantized
 * @param cacheType the type of the cache that {@code --kv-cache-dtype auto} means
 * @param needed the type that users must pass so that the scales are used; null if {@code auto} is enough
 * @param layers one for each attention layer, in order
 * @param ignored the scale tensors that meet no parameter of the engine, in order
 * @param notes what users should know
 */
public record CheckResult(
        String target,
        String rules,
        String quantMethod,
        String cacheType,
        @Nullable String needed,
        List<LayerVerdict> layers,
        List<String> ignored,
        List<String> notes) {
    /** Whether every layer runs with its scale, or in 16 bits because the user says so. */
    public boolean isOk() {
        return layers.stream()
                .flatMap(layer -> layer.slots().values().stream())
                .allMatch(slot -> slot.state().isOk());
    }
}
