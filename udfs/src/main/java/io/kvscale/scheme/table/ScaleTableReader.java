package io.kvscale.scheme.table;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeFields;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads {@code kv_scales.json} and checks every field, since the file may have been edited. */
final class ScaleTableReader {
    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

    private ScaleTableReader() {}

    static ScaleTable read(byte[] bytes) {
        try {
            return table(Json.MAPPER.readTree(bytes));
        } catch (JsonProcessingException e) {
            throw problem("not JSON: " + DataProblem.shown(e.getOriginalMessage()));
        } catch (IOException e) {
            throw problem(String.valueOf(e.getMessage()));
        } catch (IllegalArgumentException e) {
            throw problem(DataProblem.shown(String.valueOf(e.getMessage())));
        }
    }

    private static ScaleTable table(JsonNode json) {
        if (!json.path("format").asText().equals(ScaleTableWriter.FORMAT)) {
            throw problem("not a kvscale scale table: no \"format\": \"" + ScaleTableWriter.FORMAT + "\"");
        }
        if (json.path("version").asInt() != ScaleTableWriter.VERSION) {
            throw problem("version " + json.path("version") + ", this kvscale reads " + ScaleTableWriter.VERSION);
        }
        QuantizationScheme scheme = scheme(json.path("scheme"));
        JsonNode corpus = json.path("corpus");
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        if (!json.path("layers").isArray()) {
            throw problem("'layers' is missing, or not an array");
        }
        for (JsonNode layer : json.path("layers")) {
            for (Role role : Role.values()) {
                JsonNode node = layer.get(role.word());
                if (node != null) {
                    Slot slot = new Slot(whole(layer, "layer"), role);
                    if (slots.put(slot, slot(slot, node, scheme)) != null) {
                        throw problem(slot + " is there twice");
                    }
                }
            }
        }
        if (slots.isEmpty()) {
            throw problem("no layer has scales");
        }
        return new ScaleTable(
                scheme,
                new ScaleTable.CorpusSummary(
                        corpus.path("fingerprint").asText(),
                        corpus.path("files").asLong(),
                        corpus.path("samples").asLong(),
                        corpus.path("tokens").asLong(),
                        corpus.path("values").asLong()),
                slots);
    }

    private static SlotScales slot(Slot slot, JsonNode node, QuantizationScheme common) {
        QuantizationScheme scheme = node.has("scheme") ? scheme(node.get("scheme")) : common;
        Dtype dtype = Dtype.named(need(node, "dtype").asText())
                .orElseThrow(() -> problem(slot + " has dtype "
                        + DataProblem.shown(node.get("dtype").toString()) + ", expected one of "
                        + Arrays.toString(Dtype.values())));
        Geometry geometry = new Geometry(dtype, whole(node, "heads"), whole(node, "head_dim"));
        if (scheme.groupSize() > 0 && geometry.headDim() % scheme.groupSize() != 0) {
            throw problem(slot + ": group_size " + scheme.groupSize() + " does not divide " + geometry.headDim());
        }
        int[] shape = scheme.strategy().scaleShape(geometry, scheme.groupSize());
        int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        float[] scale = numbers(slot, node, "scale", size);
        for (float s : scale) {
            if (!(s > 0 && s < Float.POSITIVE_INFINITY)) {
                throw problem(slot + " has the scale " + s + ", expected a finite number above 0");
            }
        }
        float[] zeroPoint = numbers(slot, node, "zero_point", size);
        for (float z : zeroPoint) {
            if (z != scheme.format().round(z) || (z != 0 && scheme.symmetric())) {
                throw problem(slot + " has the zero point " + z + ", which its scheme does not allow");
            }
        }
        JsonNode range = node.path("range");
        float[] rangeMin = new float[size];
        float[] rangeMax = new float[size];
        for (int i = 0; i < size; i++) {
            rangeMin[i] = finiteOrNaN(range.path(i).path(0));
            rangeMax[i] = finiteOrNaN(range.path(i).path(1));
        }
        return new SlotScales(
                scheme,
                geometry,
                scale,
                zeroPoint,
                rangeMin,
                rangeMax,
                finiteOrNaN(need(node, "min")),
                finiteOrNaN(need(node, "max")),
                node.path("count").asLong(),
                node.path("nan").asLong(),
                node.path("inf").asLong(),
                text(node, "min_sample"),
                text(node, "max_sample"),
                node.has("error") ? error(slot, node.get("error")) : null);
    }

    /** An {@code sqnr_db} of null means infinite: no noise. */
    private static SlotScales.ErrorSummary error(Slot slot, JsonNode node) {
        JsonNode mse = need(node, "mse");
        JsonNode sqnr = need(node, "sqnr_db");
        JsonNode saturated = need(node, "saturated");
        boolean numbers = mse.isNumber() && (sqnr.isNumber() || sqnr.isNull()) && saturated.isIntegralNumber();
        if (!numbers || !(mse.asDouble() >= 0) || saturated.asLong() < 0) {
            throw problem(slot + " has the error " + DataProblem.shown(node.toString())
                    + ", expected mse, sqnr_db and saturated");
        }
        return new SlotScales.ErrorSummary(
                mse.asDouble(),
                sqnr.isNull() ? Double.POSITIVE_INFINITY : sqnr.asDouble(),
                saturated.asLong(),
                node.path("approximate").asBoolean());
    }

    private static QuantizationScheme scheme(JsonNode node) {
        if (!node.isObject()) {
            throw problem("a scheme is missing, or not an object");
        }
        QuantizationScheme scheme = KvCacheScheme.parse(Json.MAPPER.convertValue(node, FIELDS));
        if (scheme.globalScale() != null && !node.hasNonNull(SchemeFields.GLOBAL_SCALE)) {
            // A recipe has a default. A scale without its convention is ambiguous.
            throw problem("a scheme with strategy tensor_group does not say its global_scale: divisor or multiplier");
        }
        return scheme;
    }

    private static float[] numbers(Slot slot, JsonNode node, String field, int size) {
        JsonNode array = need(node, field);
        if (!array.isArray() || array.size() != size) {
            throw problem(slot + ": " + field + " holds " + array.size() + " numbers, expected " + size);
        }
        float[] result = new float[size];
        for (int i = 0; i < size; i++) {
            if (!array.get(i).isNumber()) {
                throw problem(slot + ": " + field + " holds "
                        + DataProblem.shown(array.get(i).toString()));
            }
            result[i] = number(array.get(i));
        }
        return result;
    }

    /** Parses the shortest decimal of the double, so that a decimal of up to 15 digits is rounded once, not twice. */
    private static float number(JsonNode number) {
        return Float.parseFloat(number.asText());
    }

    /** For informative fields: NaN unless it is a finite number. */
    private static float finiteOrNaN(JsonNode node) {
        float number = node.isNumber() ? number(node) : Float.NaN;
        return Float.isInfinite(number) ? Float.NaN : number;
    }

    private static int whole(JsonNode node, String field) {
        JsonNode number = need(node, field);
        if (!number.isInt()) {
            throw problem("'" + field + "' is " + DataProblem.shown(number.toString()) + ", expected a whole number");
        }
        return number.asInt();
    }

    private static @Nullable String text(JsonNode node, String field) {
        return node.path(field).isTextual() ? node.get(field).asText() : null;
    }

    private static JsonNode need(JsonNode node, String field) {
        JsonNode found = node.get(field);
        if (found == null) {
            throw problem("'" + field + "' is missing in " + DataProblem.shown(node.toString()));
        }
        return found;
    }

    private static InvalidDataException problem(String what) {
        return new InvalidDataException(
                DataProblem.of("damaged scale table: " + what, "take an undamaged copy, or derive the scales again"));
    }
}
