package io.kvscale.scheme.table;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.Set;

/** Reads the scales of one slot. */
final class SlotScalesReader {
    private static final Set<String> SLOT = Set.of(
            "scheme",
            "dtype",
            "heads",
            "head_dim",
            "shape",
            "scale",
            "zero_point",
            "range",
            "min",
            "max",
            "count",
            "nan",
            "inf",
            "min_sample",
            "max_sample",
            "error");
    private static final Set<String> ERROR = Set.of("mse", "sqnr_db", "saturated", "approximate");

    private final TableFields fields;
    private final JsonNode node;

    private SlotScalesReader(Slot slot, JsonNode node) {
        this.fields = new TableFields(slot + ": ");
        this.node = node;
    }

    static SlotScales read(Slot slot, JsonNode node, QuantizationScheme common) {
        return new SlotScalesReader(slot, node).read(common);
    }

    private SlotScales read(QuantizationScheme common) {
        fields.onlyKnown(node, SLOT);
        QuantizationScheme scheme = node.has("scheme") ? fields.scheme(node.get("scheme")) : common;
        Geometry geometry = geometry();
        if (scheme.groupSize() > 0 && geometry.headDim() % scheme.groupSize() != 0) {
            throw fields.problem("group_size " + scheme.groupSize() + " does not divide " + geometry.headDim());
        }
        int[] shape = scheme.strategy().scaleShape(geometry, scheme.groupSize());
        checkShape(shape);
        int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        float[] scale = numbers("scale", size);
        for (float s : scale) {
            if (!(s > 0 && s < Float.POSITIVE_INFINITY)) {
                throw fields.problem("'scale' holds " + s + ", expected a finite number above 0");
            }
        }
        float[] zeroPoint = numbers("zero_point", size);
        for (float z : zeroPoint) {
            if (z != scheme.format().round(z) || (z != 0 && scheme.symmetric())) {
                throw fields.problem("the zero point " + z + " in 'zero_point' does not fit its scheme");
            }
        }
        float[] rangeMin = new float[size];
        float[] rangeMax = new float[size];
        ranges(rangeMin, rangeMax);
        float min = fields.finite(fields.need(node, "min"), "min");
        float max = fields.finite(fields.need(node, "max"), "max");
        if (min > max) {
            throw fields.problem("'min' " + min + " is above 'max' " + max);
        }
        return new SlotScales(
                scheme,
                geometry,
                scale,
                zeroPoint,
                rangeMin,
                rangeMax,
                min,
                max,
                fields.count(node, "count"),
                fields.count(node, "nan"),
                fields.count(node, "inf"),
                fields.text(node, "min_sample"),
                fields.text(node, "max_sample"),
                node.has("error") ? error(node.get("error")) : null);
    }

    private Geometry geometry() {
        JsonNode name = fields.need(node, "dtype");
        Dtype dtype = Dtype.named(name.isTextual() ? name.asText() : "")
                .orElseThrow(() -> fields.wrong("dtype", name, "one of " + Arrays.toString(Dtype.values())));
        int heads = fields.whole(node, "heads");
        int headDim = fields.whole(node, "head_dim");
        if (heads < 1 || headDim < 1 || (long) heads * headDim > Geometry.MAX_CHANNELS) {
            throw fields.problem(
                    "'heads' " + heads + " x 'head_dim' " + headDim + " is not within 1.." + Geometry.MAX_CHANNELS);
        }
        return new Geometry(dtype, heads, headDim);
    }

    private void checkShape(int[] expected) {
        JsonNode shape = node.path("shape");
        boolean same = shape.isMissingNode() || shape.isArray() && shape.size() == expected.length;
        for (int i = 0; i < expected.length && same && !shape.isMissingNode(); i++) {
            same = shape.get(i).isInt() && shape.get(i).asInt() == expected[i];
        }
        if (!same) {
            throw fields.wrong("shape", shape, Arrays.toString(expected) + " for this scheme, heads and head_dim");
        }
    }

    private float[] numbers(String field, int size) {
        JsonNode array = fields.need(node, field);
        if (!array.isArray() || array.size() != size) {
            throw fields.problem("'" + field + "' holds " + array.size() + " numbers, expected " + size);
        }
        float[] result = new float[size];
        for (int i = 0; i < size; i++) {
            JsonNode number = array.get(i);
            if (!number.isNumber()) {
                throw fields.problem("'" + field + "' holds " + DataProblem.shown(number.toString()));
            }
            result[i] = Float.parseFloat(number.asText());
        }
        return result;
    }

    /** The ranges; NaN if the field is absent. */
    private void ranges(float[] min, float[] max) {
        JsonNode ranges = node.path("range");
        Arrays.fill(min, Float.NaN);
        Arrays.fill(max, Float.NaN);
        if (ranges.isMissingNode()) {
            return;
        }
        if (!ranges.isArray() || ranges.size() != min.length) {
            throw fields.problem("'range' holds " + ranges.size() + " ranges, expected " + min.length);
        }
        for (int i = 0; i < min.length; i++) {
            JsonNode range = ranges.get(i);
            if (!range.isArray() || range.size() != 2) {
                throw fields.wrong("range", range, "[min, max]");
            }
            min[i] = fields.finite(range.get(0), "range");
            max[i] = fields.finite(range.get(1), "range");
            if (min[i] > max[i]) {
                throw fields.wrong("range", range, "[min, max] with min not above max");
            }
        }
    }

    /** An {@code sqnr_db} of null means infinite: no noise. */
    private SlotScales.ErrorSummary error(JsonNode error) {
        TableFields within = new TableFields(fields.place() + "error: ");
        within.onlyKnown(error, ERROR);
        double mse = within.finiteDouble(within.need(error, "mse"), "mse");
        if (mse < 0) {
            throw within.wrong("mse", error.path("mse"), "a number from 0");
        }
        JsonNode sqnr = within.need(error, "sqnr_db");
        within.need(error, "saturated");
        long saturated = within.count(error, "saturated");
        if (node.has("count") && saturated > fields.count(node, "count")) {
            throw within.wrong("saturated", error.path("saturated"), "at most the count " + node.path("count"));
        }
        JsonNode approximate = error.path("approximate");
        if (!approximate.isMissingNode() && !approximate.isBoolean()) {
            throw within.wrong("approximate", approximate, "true or false");
        }
        return new SlotScales.ErrorSummary(
                mse,
                sqnr.isNull() ? Double.POSITIVE_INFINITY : within.finiteDouble(sqnr, "sqnr_db"),
                saturated,
                approximate.asBoolean());
    }
}
