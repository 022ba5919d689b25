package io.kvscale.job.advice;

import io.kvscale.job.unitscale.UnitScaleComparison;
import io.kvscale.job.unitscale.UnitScaleSlot;
import io.kvscale.json.Json;
import io.kvscale.quant.SlotError;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes advice as JSON. The bytes are equal on every JDK. */
public final class AdviceJson {
    private AdviceJson() {}

    public static String of(Advice advice) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("budget", advice.goal().option());
        json.put("strategy", advice.strategy().word());
        json.put("average_bits", advice.averageBits());
        json.put("noise_to_signal", advice.noiseToSignal());
        json.put("approximate", advice.approximate());
        json.put("layers", layers(advice));
        json.put("ranking", advice.ranking().stream().map(AdviceJson::ranked).toList());
        json.put("skip_layers", advice.skippedLayers());
        if (advice.target() != null) {
            json.put("target", advice.target().target());
        }
        json.put("vllm_arguments", advice.skipArguments());
        json.put("vllm_refusal", advice.vllmRefusal());
        UnitScaleComparison unit = advice.unitScale();
        json.put("unit_scale_verdict", unit == null ? null : unit.verdict());
        json.put("recipe", advice.recipe());
        return Json.text(json);
    }

    private static List<Map<String, Object>> layers(Advice advice) {
        Map<Integer, Map<String, Object>> layers = new LinkedHashMap<>();
        for (SlotAdvice slot : advice.slots()) {
            int layer = slot.slot().layer();
            layers.computeIfAbsent(layer, l -> new LinkedHashMap<>(Map.of("layer", l)))
                    .put(slot.slot().role().word(), slot(slot));
        }
        return List.copyOf(layers.values());
    }

    private static Map<String, @Nullable Object> slot(SlotAdvice slot) {
        Map<String, @Nullable Object> json = candidate(slot.chosen());
        json.put("values_per_token", slot.candidates().valuesPerToken());
        UnitScaleSlot unit = slot.candidates().unit();
        if (unit != null) {
            json.put("unit_scale", unit(unit));
        }
        List<Map<String, @Nullable Object>> candidates = new ArrayList<>();
        slot.candidates().quantized().forEach(candidate -> candidates.add(candidate(candidate)));
        candidates.add(candidate(slot.candidates().unquantized()));
        json.put("candidates", candidates);
        return json;
    }

    /** fp8 e4m3 with scale 1.0. Null for an infinite number. */
    private static Map<String, @Nullable Object> unit(UnitScaleSlot unit) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("sqnr_db", finite(Objects.requireNonNull(unit.unit().error()).sqnrDb()));
        json.put("loss_db", finite(unit.lossDb()));
        json.put("saturated_share", unit.unit().saturatedShare());
        return json;
    }

    private static @Nullable Double finite(double x) {
        return Double.isInfinite(x) ? null : x;
    }

    private static Map<String, @Nullable Object> candidate(Candidate candidate) {
        SlotError error = candidate.error();
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("format", candidate.name());
        json.put("bits", candidate.bits());
        json.put("sqnr_db", finite(error.sqnrDb()));
        json.put("noise_to_signal", candidate.noiseToSignal());
        json.put("mse", error.mse());
        json.put("saturated_share", (double) error.saturated() / error.count());
        if (candidate.isQuantized()) {
            json.put("codes_used", error.codesUsed());
        }
        if (error.approximate()) {
            json.put("approximate", true);
        }
        return json;
    }

    private static Map<String, Object> ranked(SlotAdvice slot) {
        Slot at = slot.slot();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("layer", at.layer());
        json.put("role", at.role().word());
        json.put("format", slot.chosen().name());
        return json;
    }
}
