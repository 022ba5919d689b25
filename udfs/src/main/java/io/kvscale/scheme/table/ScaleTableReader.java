package io.kvscale.scheme.table;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Reads {@code kv_scales.json} and checks every field, since the file may have been edited. */
final class ScaleTableReader {
    private static final TableFields TABLE = new TableFields("");
    private static final Set<String> LAYER = Set.of("layer", Role.KEY.word(), Role.VALUE.word(), Role.QUERY.word());
    private static final Pattern FINGERPRINT = Pattern.compile("[0-9a-f]{0,64}");

    private ScaleTableReader() {}

    static ScaleTable read(byte[] bytes) {
        try {
            return table(Json.MAPPER.readTree(bytes));
        } catch (IOException e) {
            throw TABLE.problem("not JSON: " + JsonProblem.whatAndWhere(e));
        }
    }

    private static ScaleTable table(JsonNode json) {
        if (!json.path("format").asText().equals(ScaleTableWriter.FORMAT)) {
            throw TABLE.problem("not a kvscale scale table: no \"format\": \"" + ScaleTableWriter.FORMAT + "\"");
        }
        JsonNode version = json.path("version");
        if (!version.isInt() || version.asInt() != ScaleTableWriter.VERSION) {
            throw TABLE.problem("version " + DataProblem.shown(version.toString()) + ", this kvscale reads "
                    + ScaleTableWriter.VERSION);
        }
        QuantizationScheme scheme = TABLE.scheme(json.path("scheme"));
        JsonNode layers = json.path("layers");
        if (!layers.isArray()) {
            throw TABLE.problem("'layers' is missing, or not an array");
        }
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        Set<Integer> seen = new HashSet<>();
        for (JsonNode layer : layers) {
            int number = TABLE.whole(layer, "layer");
            if (number < 0 || number > Slot.MAX_LAYER) {
                throw TABLE.problem("layer " + number + " is not within 0.." + Slot.MAX_LAYER);
            }
            if (!seen.add(number)) {
                throw TABLE.problem("layer " + number + " is there twice");
            }
            new TableFields("layer " + number + ": ").onlyKnown(layer, LAYER);
            for (Role role : Role.values()) {
                JsonNode node = layer.get(role.word());
                if (node != null) {
                    Slot slot = new Slot(number, role);
                    slots.put(slot, SlotScalesReader.read(slot, node, scheme));
                }
            }
        }
        if (slots.isEmpty()) {
            throw TABLE.problem("no layer has scales");
        }
        return new ScaleTable(
                scheme,
                corpus(json.path("corpus")),
                slots,
                new ScaleTable.Provenance(
                        TABLE.text(json, ScaleTableWriter.MODEL),
                        TABLE.text(json, ScaleTableWriter.STATISTICS_SHA256),
                        TABLE.text(json, ScaleTableWriter.SCALES_SHA256)));
    }

    private static ScaleTable.CorpusSummary corpus(JsonNode corpus) {
        TableFields fields = new TableFields("corpus: ");
        if (!corpus.isMissingNode() && !corpus.isObject()) {
            throw TABLE.wrong("corpus", corpus, "an object");
        }
        String fingerprint = fields.text(corpus, "fingerprint");
        if (fingerprint != null && !FINGERPRINT.matcher(fingerprint).matches()) {
            throw fields.wrong("fingerprint", corpus.path("fingerprint"), "64 hexadecimal digits");
        }
        return new ScaleTable.CorpusSummary(
                fingerprint == null ? "" : fingerprint,
                fields.count(corpus, "files"),
                fields.count(corpus, "samples"),
                fields.count(corpus, "tokens"),
                fields.count(corpus, "values"));
    }
}
