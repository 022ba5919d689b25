package io.kvscale.job.target;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Slot;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Checks of schemes that exporters share. Each returns a reason that names a slot; null if there is none. */
final class SlotNeeds {
    private SlotNeeds() {}

    /** Symmetric fp8 e4m3 with one scale for a slot. */
    static boolean isTensorFp8(QuantizationScheme scheme) {
        return isFp8(scheme) && scheme.strategy() == Strategy.TENSOR;
    }

    /** Symmetric fp8 e4m3 with one scale for a slot or for a head. */
    static boolean isFp8(QuantizationScheme scheme) {
        return scheme.format() == NumberFormat.FP8_E4M3
                && scheme.symmetric()
                && scheme.strategy().isByHeads();
    }

    static boolean isNvfp4(QuantizationScheme scheme) {
        return scheme.strategy() == Strategy.TENSOR_GROUP;
    }

    /** The first slot whose scheme is not accepted. */
    static @Nullable String unfit(
            SortedMap<Slot, QuantizationScheme> schemes, Predicate<QuantizationScheme> accepted, String engine) {
        for (Map.Entry<Slot, QuantizationScheme> slot : schemes.entrySet()) {
            QuantizationScheme scheme = slot.getValue();
            if (!accepted.test(scheme)) {
                return slot.getKey() + " is " + scheme.format() + ", "
                        + scheme.strategy().word() + (scheme.symmetric() ? "" : ", asymmetric") + "; " + engine;
            }
        }
        return null;
    }

    /** The first slot whose scheme is not the common one. Observers may differ: no engine sees them. */
    static @Nullable String mixed(
            SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, String engine) {
        for (Map.Entry<Slot, QuantizationScheme> slot : schemes.entrySet()) {
            if (!slot.getValue().withDefaultObserver().equals(common.withDefaultObserver())) {
                return (slot.getKey().role().isCached()
                                ? "schemes differ between K and V or between layers"
                                : slot.getKey() + " has a scheme of its own")
                        + "; " + engine;
            }
        }
        return null;
    }

    /** The first layer that has only one of K and V, as multi-head latent attention. */
    static @Nullable String unpaired(SortedMap<Slot, QuantizationScheme> schemes, String engine) {
        for (Slot slot : schemes.keySet()) {
            if (!schemes.containsKey(slot.partner())) {
                return "layer " + slot.layer() + " has no "
                        + slot.partner().role().word() + " scales; " + engine;
            }
        }
        return null;
    }
}
