package io.kvscale.job;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.tensor.Geometry;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows statistics: one line a slot. */
final class StatisticsTables {
    private StatisticsTables() {}

    /** @param values whether values were read, or headers only */
    static void print(CalibrationStatistics statistics, boolean values, PrintWriter out) {
        TextTable table = values
                ? new TextTable(
                        "layer", "role", "dtype", "heads", "head_dim", "samples", "tokens", "min", "max", "nan", "inf")
                : new TextTable("layer", "role", "dtype", "heads", "head_dim", "samples", "tokens");
        statistics.slots().forEach((slot, seen) -> {
            Geometry geometry = seen.geometry();
            List<Object> row = new ArrayList<>(List.of(
                    slot.layer(),
                    slot.role().word(),
                    geometry.dtype(),
                    geometry.heads(),
                    geometry.headDim(),
                    seen.samples(),
                    seen.tokens()));
            if (values) {
                row.addAll(List.of(seen.min(), seen.max(), seen.nan(), seen.infinite()));
            }
            table.row(row.toArray());
        });
        table.print(out);
    }

    /** The same for programs. */
    static Map<String, Object> json(CalibrationStatistics statistics) {
        List<Map<String, @Nullable Object>> slots = new ArrayList<>();
        statistics.slots().forEach((slot, seen) -> {
            Map<String, @Nullable Object> row = new LinkedHashMap<>();
            row.put("layer", slot.layer());
            row.put("role", slot.role().word());
            row.put("dtype", seen.geometry().dtype().name());
            row.put("heads", seen.geometry().heads());
            row.put("head_dim", seen.geometry().headDim());
            row.put("samples", seen.samples());
            row.put("tokens", seen.tokens());
            row.put("min", seen.isEmpty() ? null : seen.min());
            row.put("max", seen.isEmpty() ? null : seen.max());
            row.put("count", seen.finite());
            row.put("nan", seen.nan());
            row.put("inf", seen.infinite());
            row.put(
                    "min_sample",
                    seen.minSample() == null ? null : seen.minSample().toString());
            row.put(
                    "max_sample",
                    seen.maxSample() == null ? null : seen.maxSample().toString());
            slots.add(row);
        });
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("fingerprint", statistics.corpus().fingerprintHex());
        json.put("files", statistics.corpus().files());
        json.put("slots", slots);
        return json;
    }
}
