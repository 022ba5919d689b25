package io.kvscale.job.drift;

import io.kvscale.json.Json;
import io.kvscale.tensor.Slot;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes drift as JSON. The bytes are equal on every JDK. A number that is not known or not finite is null. */
public final class DriftJson {
    private DriftJson() {}

    /**
     * @param names what was compared, as the command line names it
     * @param scalesSha256 the hash of the deployed scales
     */
    public static String of(Map<String, String> names, String scalesSha256, Drift drift) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>(names);
        json.put("scales_sha256", scalesSha256);
        Map<String, @Nullable Object> limits = new LinkedHashMap<>();
        limits.put("saturated", drift.limits().saturated());
        limits.put("sqnr_loss_db", drift.limits().sqnrLossDb());
        json.put("limits", limits);
        json.put("drifted", drift.isDrifted());
        json.put(
                "exceeding",
                drift.exceeding().stream().map(slot -> exceeding(drift, slot)).toList());
        json.put(
                "worst_first",
                drift.worstFirst().stream().map(slot -> place(slot.slot())).toList());
        json.put("unscaled", drift.unscaled().stream().map(DriftJson::place).toList());
        json.put("summary", DriftSummary.of(drift));
        json.put("layers", layers(drift));
        return Json.text(json);
    }

    private static Map<String, Object> place(Slot slot) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("layer", slot.layer());
        json.put("role", slot.role().word());
        return json;
    }

    private static Map<String, Object> exceeding(Drift drift, SlotDrift slot) {
        Map<String, Object> json = place(slot.slot());
        json.put("saturated", drift.limits().exceedsSaturated(slot));
        json.put("sqnr_loss", drift.limits().exceedsSqnrLoss(slot));
        return json;
    }

    private static List<Map<String, Object>> layers(Drift drift) {
        Map<Integer, Map<String, Object>> layers = new LinkedHashMap<>();
        for (SlotDrift slot : drift.slots()) {
            int layer = slot.slot().layer();
            layers.computeIfAbsent(layer, l -> new LinkedHashMap<>(Map.of("layer", l)))
                    .put(slot.slot().role().word(), slot(slot));
        }
        return List.copyOf(layers.values());
    }

    private static Map<String, @Nullable Object> slot(SlotDrift slot) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("tokens", pair(slot.from().tokens(), slot.to().tokens()));
        json.put("clipped_share", pair(slot.from().clippedShare(), slot.to().clippedShare()));
        json.put("reach", pair(finite(slot.from().reach()), finite(slot.to().reach())));
        json.put("sqnr_db", finite(slot.deployedDb()));
        json.put("fitted_sqnr_db", finite(slot.fittedDb()));
        json.put("loss_db", finite(slot.lossDb()));
        json.put("absmax", change(slot.absmax()));
        for (int i = 0; i < SlotDrift.PERCENTS.size(); i++) {
            String name = percentile(i);
            json.put(
                    name,
                    slot.percentiles().isEmpty()
                            ? null
                            : change(slot.percentiles().get(i)));
        }
        json.put("ks_distance", slot.distance());
        if (slot.approximate()) {
            json.put("approximate", true);
        }
        return json;
    }

    /** Such as {@code p99.9}. */
    public static String percentile(int i) {
        double percent = SlotDrift.PERCENTS.get(i);
        return "p" + (percent == Math.rint(percent) ? String.valueOf((int) percent) : String.valueOf(percent));
    }

    private static Map<String, @Nullable Object> pair(@Nullable Object from, @Nullable Object to) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("from", from);
        json.put("to", to);
        return json;
    }

    private static Map<String, @Nullable Object> change(Change change) {
        Map<String, @Nullable Object> json = pair(change.from(), change.to());
        json.put("change", change.relative());
        return json;
    }

    private static @Nullable Double finite(@Nullable Double x) {
        return x == null || !Double.isFinite(x) ? null : x;
    }
}
