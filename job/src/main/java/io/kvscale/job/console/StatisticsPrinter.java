package io.kvscale.job.console;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.RotationScore;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.RotaryPairs;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Prints statistics: one line per slot. */
public final class StatisticsPrinter {
    private StatisticsPrinter() {}

    /** @param values false if only headers were read */
    public static void print(CalibrationStatistics statistics, boolean values, PrintWriter out) {
        TextTable table = values
                ? new TextTable(
                        "layer",
                        "role",
                        "dtype",
                        "heads",
                        "head_dim",
                        "samples",
                        "tokens",
                        "min",
                        "max",
                        "nan",
                        "inf",
                        "halves",
                        "neighbors")
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
                RotationScore score = RotationScore.of(seen, geometry.headDim());
                row.add(score == null ? "-" : score(score.halves()));
                row.add(score == null ? "-" : score(score.neighbors()));
            }
            table.row(row.toArray());
        });
        table.print(out);
    }

    private static String score(double score) {
        return String.format(Locale.ROOT, "%.3f", score);
    }

    /** Prints one line about the histograms and their size. */
    public static void printHistograms(CalibrationStatistics statistics, PrintWriter out) {
        Collection<SlotStatistics> counted = statistics.slots().values().stream()
                .filter(SlotStatistics::hasHistograms)
                .toList();
        if (counted.isEmpty()) {
            out.println("histograms: none, only ranges");
            return;
        }
        long bytes = counted.stream().mapToLong(SlotStatistics::histogramBytes).sum();
        long heads = counted.stream().mapToLong(s -> s.geometry().heads()).sum();
        boolean rounded = counted.stream().anyMatch(s -> s.geometry().dtype() == Dtype.F32);
        out.println("histograms: " + counted.size() + " of "
                + statistics.slots().size() + " slots, " + bytes + " bytes, " + bytes / heads + " per head"
                + (rounded ? "; approximate, because F32 values were counted as BF16" : ""));
    }

    /** Prints one line about norms of RoPE pairs; nothing if there are none. */
    public static void printPairs(CalibrationStatistics statistics, PrintWriter out) {
        Collection<RotaryPairs> pairs = statistics.slots().values().stream()
                .map(SlotStatistics::pairs)
                .filter(Objects::nonNull)
                .toList();
        if (!pairs.isEmpty()) {
            String kinds = pairs.stream().map(RotaryPairs::described).distinct().collect(Collectors.joining(" and "));
            out.println("norms of RoPE pairs: " + pairs.size() + " slots of K, " + kinds);
        }
    }

    private static @Nullable Map<String, Object> pairs(SlotStatistics seen) {
        RotaryPairs kept = seen.pairs();
        Range[] envelope = seen.envelope(seen.geometry().channels());
        if (kept == null || envelope == null) {
            return null;
        }
        Map<String, Object> pairs = new LinkedHashMap<>();
        pairs.put("pairing", kept.word());
        pairs.put("rotary_dim", kept.channels());
        if (!seen.isEmpty()) {
            pairs.put("min", envelope[0].min());
            pairs.put("max", envelope[0].max());
        }
        return pairs;
    }

    private static @Nullable Map<String, Object> histogram(SlotStatistics seen) {
        if (!seen.hasHistograms()) {
            return null;
        }
        Map<String, Object> histogram = new LinkedHashMap<>();
        histogram.put("bytes", seen.histogramBytes());
        histogram.put("approximate", seen.geometry().dtype() == Dtype.F32);
        return histogram;
    }

    private static @Nullable Map<String, Object> rotation(SlotStatistics seen) {
        RotationScore score = RotationScore.of(seen, seen.geometry().headDim());
        if (score == null) {
            return null;
        }
        Map<String, Object> rotation = new LinkedHashMap<>();
        rotation.put("halves", score.halves());
        rotation.put("neighbors", score.neighbors());
        return rotation;
    }

    /** The statistics as JSON content, for {@code inspect --json}. */
    public static Map<String, Object> json(CalibrationStatistics statistics) {
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
            row.put("rotation", rotation(seen));
            row.put("histogram", histogram(seen));
            if (seen.pairs() != null) {
                row.put("pairs", pairs(seen));
            }
            slots.add(row);
        });
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("fingerprint", statistics.corpus().fingerprintHex());
        json.put("files", statistics.corpus().files());
        json.put("slots", slots);
        return json;
    }
}
