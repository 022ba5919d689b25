package io.kvscale.job.drift;

import io.kvscale.tensor.Slot;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** Says in a sentence what deployed scales clip and lose today, and in another one whether a limit is exceeded. */
public final class DriftSummary {
    /** Below this difference in dB two scales are called equal. */
    private static final double EQUAL_DB = 0.05;

    private static final int MAX_NAMED = 10;

    private DriftSummary() {}

    public static String of(Drift drift) {
        return "Deployed scales " + clipped(drift) + loss(drift) + '.' + limits(drift);
    }

    private static String clipped(Drift drift) {
        SlotDrift most = most(
                drift, slot -> slot.to().clippedShare() == null ? 0 : slot.to().clippedShare());
        Double share = most.to().clippedShare();
        long unknown = drift.count(slot -> slot.to().clippedShare() == null);
        StringBuilder text = new StringBuilder();
        if (share != null && share > 0) {
            long some = drift.count(
                    slot -> slot.to().clippedShare() != null && slot.to().clippedShare() > 0);
            Double before = most.from().clippedShare();
            text.append("clip ")
                    .append(percent(share))
                    .append(" of the values of ")
                    .append(at(most));
            text.append(" (")
                    .append(before == null ? "unknown" : percent(before))
                    .append(" before)");
            text.append(some == 1 ? "" : ", the most of " + some + " slots");
        } else {
            text.append(unknown == 0 ? "clip nothing" : "");
        }
        if (unknown > 0) {
            SlotDrift furthest = most(
                    drift, slot -> slot.to().clippedShare() == null ? slot.to().reach() : 0);
            text.append(text.isEmpty() ? "clip" : "; they also clip").append(" an unknown share in ");
            text.append(slots(unknown, drift))
                    .append(", the furthest in ")
                    .append(at(furthest))
                    .append(": ");
            text.append(reach(furthest.to()))
                    .append(" (")
                    .append(reach(furthest.from()))
                    .append(" before)");
        }
        return text.toString();
    }

    private static String loss(Drift drift) {
        if (drift.slots().stream().allMatch(slot -> slot.lossDb() == null)) {
            return "; what they lose in dB is not known";
        }
        SlotDrift worst = most(drift, Drift::loss);
        double loss = Drift.loss(worst);
        long unknown = drift.count(slot -> slot.lossDb() == null);
        return (loss <= EQUAL_DB
                        ? ", and lose 0.0 dB against scales fitted to the newer values"
                        : ", and lose " + db(loss) + " in " + at(worst) + " against scales fitted to the newer values")
                + (unknown == 0 ? "" : "; the loss in " + slots(unknown, drift) + " is not known");
    }

    private static String limits(Drift drift) {
        if (!drift.limits().isAny()) {
            return "";
        }
        List<SlotDrift> exceeding = drift.exceeding();
        if (exceeding.isEmpty()) {
            return " Not drifted: no slot exceeds a limit.";
        }
        String named = exceeding.stream()
                .limit(MAX_NAMED)
                .map(slot -> slot.slot() + " (" + reasons(drift.limits(), slot) + ")")
                .collect(Collectors.joining(", "));
        int more = exceeding.size() - MAX_NAMED;
        return " Drifted: " + slots(exceeding.size(), drift) + (exceeding.size() == 1 ? " exceeds" : " exceed")
                + " a limit: " + named + (more > 0 ? " and " + more + " more" : "") + '.';
    }

    private static String reasons(DriftLimits limits, SlotDrift slot) {
        Double share = slot.to().clippedShare();
        Double loss = slot.lossDb();
        String saturated = limits.exceedsSaturated(slot)
                ? share == null ? "clips an unknown share" : "clips " + percent(share)
                : "";
        String lost = limits.exceedsSqnrLoss(slot) && loss != null ? "loses " + db(loss) : "";
        return saturated + (saturated.isEmpty() || lost.isEmpty() ? "" : ", ") + lost;
    }

    /** The slot with the greatest measure, the first of several by layer and role. */
    private static SlotDrift most(Drift drift, ToDoubleFunction<SlotDrift> measure) {
        return drift.slots().stream()
                .min(Comparator.comparingDouble((SlotDrift slot) -> -measure.applyAsDouble(slot))
                        .thenComparing(SlotDrift::slot))
                .orElseThrow();
    }

    private static String slots(long some, Drift drift) {
        return some + " of " + drift.slots().size() + " slots";
    }

    private static String at(SlotDrift drift) {
        Slot slot = drift.slot();
        return "layer " + slot.layer() + " " + slot.role().letter();
    }

    private static String percent(double share) {
        return share == 0 ? "0 %" : number(100 * share) + " %";
    }

    private static String reach(ValuesUnderScales values) {
        double reach = values.reach();
        return Double.isInfinite(reach)
                ? "a side of 0 without codes"
                : reach == 0 ? "zeros only" : number(reach) + " times the last number";
    }

    private static String db(double decibels) {
        return Double.isInfinite(decibels)
                ? "infinitely many dB"
                : new BigDecimal(decibels).setScale(1, RoundingMode.HALF_EVEN).toPlainString() + " dB";
    }

    private static String number(double x) {
        return new BigDecimal(x).round(new MathContext(3)).stripTrailingZeros().toPlainString();
    }
}
