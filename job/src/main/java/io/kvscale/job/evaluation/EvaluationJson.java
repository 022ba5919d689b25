package io.kvscale.job.evaluation;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes {@code evaluation.json}. */
final class EvaluationJson {
    /** Jackson's own float writer gives the same text on every JDK. */
    private static final JsonMapper MAPPER = new JsonMapper(JsonFactory.builder()
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
            .build());

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
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));
        try {
            String text = MAPPER.writer(printer).writeValueAsString(json) + "\n";
            return text.getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("plain maps are always JSON", e);
        }
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
