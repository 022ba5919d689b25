package io.kvscale.job.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** The page of {@code drift --report}: charts of its JSON in one file without external resources. */
public final class DriftReport {
    /** How a page begins: only such files may be replaced. */
    public static final String START = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy\"""";

    private static final List<String> SCRIPTS = List.of("base.js", "tables.js", "charts.js", "drift.js");

    private DriftReport() {}

    /**
     * The page, in UTF-8.
     *
     * @param drift what {@code drift --json} prints
     * @param version of kvscale
     */
    public static byte[] html(String drift, String version) {
        try {
            ObjectNode shown = (ObjectNode) Json.MAPPER.readTree(drift);
            // Names come from the command line.
            for (String field : List.of("from", "to", "scales", "summary")) {
                shown.put(field, DataProblem.printable(shown.path(field).asText()));
            }
            ObjectNode data = Json.MAPPER.createObjectNode();
            data.put("version", version).set("drift", shown);
            return ReportPage.html("KV cache drift", "drift.html", SCRIPTS, Json.MAPPER.writeValueAsString(data));
        } catch (IOException e) {
            throw new UncheckedIOException("the JSON of a drift is always JSON", e);
        }
    }
}
