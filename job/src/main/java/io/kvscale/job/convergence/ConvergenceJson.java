package io.kvscale.job.convergence;

import io.kvscale.tensor.Role;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Curves as plain maps and lists, for JSON. A number that is not known or not finite is null. */
public final class ConvergenceJson {
    private ConvergenceJson() {}

    /** @param most maximum number of slots, the worst ones */
    public static Map<String, @Nullable Object> fields(Convergence curves, int most) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("tolerance", Convergence.TOLERANCE);
        json.put("stable_since_tokens", curves.stableSince());
        Map<String, @Nullable Object> roles = new LinkedHashMap<>();
        for (Role role : Role.values()) {
            if (curves.worstFirst().stream().anyMatch(curve -> curve.slot().role() == role)) {
                roles.put(role.word(), curves.stableSince(role));
            }
        }
        json.put("stable_since_tokens_by_role", roles);
        json.put("verdict", curves.verdict());
        if (curves.available() > 0) {
            json.put("available_samples", curves.available());
        }
        json.put("tokens", curves.sizes().stream().map(PartSize::tokens).toList());
        json.put("samples", curves.sizes().stream().map(PartSize::samples).toList());
        json.put(
                "worst_first",
                curves.worstFirst().stream()
                        .limit(most)
                        .map(curve -> slot(curves, curve))
                        .toList());
        return json;
    }

    private static Map<String, @Nullable Object> slot(Convergence curves, SlotCurve curve) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("layer", curve.slot().layer());
        json.put("role", curve.slot().role().word());
        json.put("stable_since_tokens", curves.stableSince(curve));
        json.put("absmax", numbers(curve.absmax()));
        if (curve.hasPercentiles()) {
            json.put("p99.99", numbers(curve.p9999()));
        }
        json.put("scale", numbers(curve.scale()));
        List<@Nullable Object> changes = new ArrayList<>();
        for (double change : curve.change()) {
            changes.add(Double.isFinite(change) ? change : null);
        }
        json.put("change", changes);
        return json;
    }

    private static List<@Nullable Object> numbers(float[] numbers) {
        List<@Nullable Object> all = new ArrayList<>();
        for (float number : numbers) {
            all.add(Float.isFinite(number) ? number : null);
        }
        return all;
    }
}
