package io.kvscale.job.console;

import io.kvscale.job.drift.Change;
import io.kvscale.job.drift.Drift;
import io.kvscale.job.drift.DriftJson;
import io.kvscale.job.drift.DriftLimits;
import io.kvscale.job.drift.DriftSummary;
import io.kvscale.job.drift.SlotDrift;
import io.kvscale.job.drift.ValuesUnderScales;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Prints drift: the slots, worst first, then a summary. What statistics do not tell is a question mark. */
public final class DriftPrinter {
    private static final String UNKNOWN = "?";

    private DriftPrinter() {}

    /** @param names what was compared, by the words of the options */
    public static void print(Map<String, String> names, Drift drift, PrintWriter out) {
        names.forEach((word, name) -> out.println(word + " " + DataProblem.printable(name)));
        List<String> heading = new ArrayList<>(List.of(
                "layer",
                "role",
                "clipped_before_%",
                "clipped_%",
                "reach",
                "sqnr_db",
                "fitted_db",
                "loss_db",
                "absmax_%"));
        for (int i = 0; i < SlotDrift.PERCENTS.size(); i++) {
            heading.add(DriftJson.percentile(i) + "_%");
        }
        heading.addAll(List.of("ks", "exceeds"));
        TextTable table = new TextTable(heading.toArray(String[]::new));
        drift.worstFirst().forEach(slot -> table.row(row(slot, drift.limits()).toArray()));
        table.print(out);
        out.println(DriftSummary.of(drift));
    }

    private static List<Object> row(SlotDrift slot, DriftLimits limits) {
        List<Object> row =
                new ArrayList<>(List.of(slot.slot().layer(), slot.slot().role().word()));
        row.add(percent(slot.from()));
        row.add(percent(slot.to()));
        row.add(digits(slot.to().reach()));
        row.add(decibels(slot.deployedDb()));
        row.add(decibels(slot.fittedDb()));
        row.add(decibels(slot.lossDb()));
        row.add(percent(slot.absmax()));
        for (int i = 0; i < SlotDrift.PERCENTS.size(); i++) {
            row.add(
                    slot.percentiles().isEmpty()
                            ? UNKNOWN
                            : percent(slot.percentiles().get(i)));
        }
        Double distance = slot.distance();
        row.add(distance == null ? UNKNOWN : digits(distance));
        List<String> exceeded = new ArrayList<>();
        ScaleComparison.add(exceeded, DriftLimits.SATURATED, !limits.exceedsSaturated(slot));
        ScaleComparison.add(exceeded, DriftLimits.SQNR_LOSS, !limits.exceedsSqnrLoss(slot));
        row.add(String.join(", ", exceeded));
        return row;
    }

    private static String percent(ValuesUnderScales values) {
        Double share = values.clippedShare();
        return share == null ? UNKNOWN : digits(100 * share);
    }

    /** A change in percent, with its sign. */
    private static String percent(Change change) {
        Double relative = change.relative();
        if (relative == null) {
            return "inf";
        }
        BigDecimal percent = new BigDecimal(100 * relative).setScale(1, RoundingMode.HALF_EVEN);
        return (percent.signum() > 0 ? "+" : "") + percent.toPlainString();
    }

    private static String decibels(@Nullable Double decibels) {
        return decibels == null
                ? UNKNOWN
                : Double.isInfinite(decibels) ? (decibels > 0 ? "inf" : "-inf") : TextTable.fixed(decibels);
    }

    private static String digits(double x) {
        return x == 0
                ? "0"
                : Double.isInfinite(x)
                        ? "inf"
                        : new BigDecimal(x).round(new MathContext(3)).toPlainString();
    }
}
