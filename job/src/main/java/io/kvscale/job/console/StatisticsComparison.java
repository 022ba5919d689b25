package io.kvscale.job.console;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Prints two statistics side by side, and the verdict as the last line. */
public final class StatisticsComparison {
    private StatisticsComparison() {}

    /** @param equal whether their files have the same bytes */
    public static void print(CalibrationStatistics a, CalibrationStatistics b, boolean equal, PrintWriter out) {
        TreeSet<Slot> slots = new TreeSet<>(a.slots().keySet());
        slots.addAll(b.slots().keySet());
        TextTable table =
                new TextTable("layer", "role", "A_tokens", "B_tokens", "A_min", "B_min", "A_max", "B_max", "differs");
        int differing = 0;
        for (Slot slot : slots) {
            SlotStatistics x = a.slots().get(slot);
            SlotStatistics y = b.slots().get(slot);
            List<String> differences = differences(x, y);
            differing += differences.isEmpty() ? 0 : 1;
            table.row(
                    slot.layer(),
                    slot.role().word(),
                    x == null ? "-" : x.tokens(),
                    y == null ? "-" : y.tokens(),
                    x == null ? "-" : x.min(),
                    y == null ? "-" : y.min(),
                    x == null ? "-" : x.max(),
                    y == null ? "-" : y.max(),
                    String.join(", ", differences));
        }
        table.print(out);
        out.print("A ");
        StatisticsPrinter.printHistograms(a, out);
        StatisticsPrinter.printPairs(a, out);
        out.print("B ");
        StatisticsPrinter.printHistograms(b, out);
        StatisticsPrinter.printPairs(b, out);
        boolean sameCorpus = a.corpus().equals(b.corpus());
        if (!sameCorpus) {
            out.println("the corpus differs: A is " + a.corpus().files() + " files, B is "
                    + b.corpus().files()
                    + (a.corpus().fingerprint().equals(b.corpus().fingerprint())
                            ? ""
                            : "; not the same names and shapes were read"));
        }
        out.println(
                equal
                        ? "equal"
                        : differing > 0
                                ? "different: " + differing + " of " + slots.size() + " slots"
                                : "different: "
                                        + (sameCorpus ? "sample names or batches" : "only the corpus")
                                        + "; the slots show no difference");
    }

    private static List<String> differences(@Nullable SlotStatistics x, @Nullable SlotStatistics y) {
        if (x == null || y == null) {
            return List.of(x == null ? "only in B" : "only in A");
        }
        List<String> names = new ArrayList<>();
        ScaleComparison.add(names, "dtype", x.geometry().dtype() == y.geometry().dtype());
        ScaleComparison.add(names, "heads", x.geometry().heads() == y.geometry().heads());
        ScaleComparison.add(
                names, "head_dim", x.geometry().headDim() == y.geometry().headDim());
        ScaleComparison.add(names, "samples", x.samples() == y.samples());
        ScaleComparison.add(names, "tokens", x.tokens() == y.tokens());
        ScaleComparison.add(names, "count", x.finite() == y.finite());
        ScaleComparison.add(names, "nan", x.nan() == y.nan());
        ScaleComparison.add(names, "inf", x.infinite() == y.infinite());
        ScaleComparison.add(names, "ranges", Arrays.equals(x.ranges(1), y.ranges(1)));
        ScaleComparison.add(
                names,
                "histograms",
                x.hasHistograms() == y.hasHistograms() && x.histogramBytes() == y.histogramBytes());
        ScaleComparison.add(
                names, "norms", Objects.equals(x.pairs(), y.pairs()) && Arrays.equals(x.envelope(1), y.envelope(1)));
        return names;
    }
}
