package io.kvscale.job.evaluation;

import io.kvscale.json.Json;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes {@code evaluation.json}. */
final class EvaluationJson {
    private EvaluationJson() {}

    static byte[] of(Evaluation evaluation) {
        Map<String, Object> json = new LinkedHashMap<>();
        if (evaluation.subject() != null) {
            write(evaluation.subject(), json);
        }
        json.put("samples", evaluation.samples());
        json.put("tokens", evaluation.tokens());
        json.put("predicted_tokens", evaluation.predicted());
        json.put("attend", evaluation.attention().word());
        if (!evaluation.attention().isQuantized()) {
            json.put("chunk", evaluation.attention().chunk());
            json.put("residual_length", evaluation.attention().residualLength());
        }
        json.put("baseline", Map.of("perplexity", evaluation.perplexity()));
        json.put(
                "schemes",
                evaluation.schemes().stream()
                        .map(quality -> scheme(evaluation, quality))
                        .toList());
        return Json.bytes(json);
    }

    private static void write(EvaluationSubject subject, Map<String, Object> json) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("folder", subject.folder());
        model.put("name", subject.name());
        model.put("sha256", subject.sha256());
        json.put("model", model);
        if (!subject.texts().table().isEmpty()) {
            json.put("table", subject.texts().table());
        } else if (!subject.texts().query().isEmpty()) {
            json.put("query", subject.texts().query());
        } else {
            json.put("texts", subject.texts().paths());
        }
    }

    private static Map<String, Object> scheme(Evaluation evaluation, SchemeQuality quality) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("scales", quality.scales().name());
        if (quality.scales().isUnit()) {
            json.put("baseline", NamedScales.UNIT);
        }
        json.put("scales_sha256", quality.scales().table().sha256());
        json.put("verdict", evaluation.verdict(quality));
        evaluation.againstUnit(quality).ifPresent(sentence -> json.put("unit_verdict", sentence));
        if (evaluation.subject() != null) {
            json.put("layers_without_scales", evaluation.withoutScales(quality));
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>(
                KvCacheScheme.fields(quality.scales().table().scheme()));
        if (quality.scales().isUnit()) {
            fields.keySet().removeAll(List.of("observer", "observer_kwargs")); // nothing was observed
        }
        json.put("scheme", fields);
        json.put("perplexity", quality.perplexity());
        json.put("kl", quality.kl());
        json.put("top1", quality.top1());
        json.put("layers", layers(quality));
        return json;
    }

    /** The quantized layers; null stands for an infinite SQNR. */
    private static List<Map<String, @Nullable Object>> layers(SchemeQuality quality) {
        List<Map<String, @Nullable Object>> layers = new ArrayList<>();
        quality.sqnrDb().keySet().stream().mapToInt(Slot::layer).distinct().forEach(layer -> {
            Map<String, @Nullable Object> json = new LinkedHashMap<>();
            json.put("layer", layer);
            for (Role role : Role.values()) {
                Double sqnr = quality.sqnrDb().get(new Slot(layer, role));
                if (sqnr != null) {
                    json.put(role.word() + "_sqnr_db", Double.isInfinite(sqnr) ? null : sqnr);
                }
            }
            layers.add(json);
        });
        return layers;
    }
}
