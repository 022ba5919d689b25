package io.kvscale.job.report;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.tensor.DataProblem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code report.html} of an evaluation: charts of {@code evaluation.json} in one file without external resources. */
public final class EvaluationReport {
    private static final List<String> SCRIPTS = List.of("base.js", "tables.js", "charts.js", "evaluation.js");

    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

    private EvaluationReport() {}

    /**
     * The page, in UTF-8.
     *
     * @param evaluation the bytes of {@code evaluation.json}
     * @param version of kvscale
     */
    public static byte[] html(byte[] evaluation, String version) {
        try {
            JsonNode shown = Json.MAPPER.readTree(evaluation);
            makeHarmless((ObjectNode) shown);
            for (JsonNode node : shown.get("schemes")) {
                ObjectNode scheme = (ObjectNode) node;
                String name = DataProblem.shown(scheme.get("scales").asText());
                scheme.put("scales", scheme.has("baseline") ? name + " (scale 1.0)" : name);
                JsonNode fields = scheme.get("scheme");
                String format = KvCacheScheme.parse(Json.MAPPER.convertValue(fields, FIELDS))
                        .format()
                        .name()
                        .toLowerCase(Locale.ROOT);
                scheme.putObject("scheme").put("format", format).set("fields", fields);
            }
            ObjectNode data = Json.MAPPER.createObjectNode();
            data.put("version", version).set("evaluation", shown);
            return ReportPage.html(
                    "KV cache evaluation", "evaluation.html", SCRIPTS, Json.MAPPER.writeValueAsString(data));
        } catch (IOException e) {
            throw new UncheckedIOException("evaluation.json is always JSON", e);
        }
    }

    /** Names of the model and the texts come from the command line and from files. */
    private static void makeHarmless(ObjectNode evaluation) {
        if (evaluation.path("model") instanceof ObjectNode model) {
            for (String field : List.of("folder", "name")) {
                model.put(field, DataProblem.shown(model.path(field).asText()));
            }
        }
        for (String field : List.of("table", "query")) {
            if (evaluation.has(field)) {
                evaluation.put(field, DataProblem.shown(evaluation.get(field).asText()));
            }
        }
        if (evaluation.has("texts")) {
            JsonNode paths = evaluation.get("texts");
            ArrayNode texts = evaluation.putArray("texts");
            paths.forEach(path -> texts.add(DataProblem.shown(path.asText())));
        }
    }
}
