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
        json.put("samples", evaluation.samples());
        json.put("tokens", evaluation.tokens());
        json.put("predicted_tokens", evaluation.predicted());
        json.put("chunk", evaluation.settings().chunk());
        json.put("residual_length", evaluation.settings().residualLength());
        json.put("baseline", Map.of("perplexity", evaluation.perplexity()));
        json.put(
                "schemes",
                evaluation.schemes().stream().map(EvaluationJson::scheme).toList());
        return Json.bytes(json);
    }

    private static Map<String, Object> scheme(SchemeQuality quality) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("scales", quality.scales().name());
        json.put("scheme", KvCacheScheme.fields(quality.scales().table().scheme()));
        json.put("perplexity", quality.perplexity());
        json.put("kl", quality.kl());
        json.put("top1", quality.top1());
        json.put("layers", layers(quality));
        return json;
    }

    /** Quantized layers only; a null stands for no noise at all. */
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
