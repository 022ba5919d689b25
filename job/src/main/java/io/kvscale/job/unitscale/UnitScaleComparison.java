package io.kvscale.job.unitscale;

import io.kvscale.quant.search.Mse;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** Whether calibration is worth it for fp8: all slots with scale 1.0 and with calibrated scales. */
public record UnitScaleComparison(List<UnitScaleSlot> slots) {
    /** From this loss in dB on, a quarter more noise, calibration is recommended. */
    private static final double WORTH_DB = 1;

    /** Below this difference in dB two scales are called equal. */
    private static final double EQUAL_DB = 0.1;

    public UnitScaleComparison {
        slots = List.copyOf(slots);
    }

    /** The slots with histograms by descending loss with scale 1.0, then by layer and role. */
    public List<UnitScaleSlot> byLoss() {
        return slots.stream()
                .filter(UnitScaleSlot::isCounted)
                .sorted(Comparator.comparingDouble((UnitScaleSlot slot) -> -slot.lossDb())
                        .thenComparing(UnitScaleSlot::slot))
                .toList();
    }

    /** One sentence: what scale 1.0 clips and loses, and where calibrated scales are the worse ones. */
    public String verdict() {
        boolean counted = slots.stream().allMatch(UnitScaleSlot::isCounted);
        return counted ? fromErrors() : fromRanges();
    }

    private String fromRanges() {
        UnitScaleSlot widest = most(UnitScaleSlot::absmax);
        String largest = "the largest |x| is " + number(widest.absmax()) + ", in " + at(widest);
        return clips().isEmpty()
                ? "Scale 1.0 clips nothing here: " + largest
                        + "; only histograms tell its error (statistics: histogram)."
                : "Scale 1.0 clips values beyond 448 in " + count(clips().size()) + ": " + largest + "; calibrate.";
    }

    private String fromErrors() {
        UnitScaleSlot worst = most(UnitScaleSlot::lossDb);
        UnitScaleSlot best = most(slot -> -slot.lossDb());
        boolean worth = worst.lossDb() >= WORTH_DB;
        StringBuilder verdict = new StringBuilder("Scale 1.0 ")
                .append(clipped())
                .append(worth == clips().isEmpty() ? " but " : " and ");
        if (worth) {
            long many = count(slot -> slot.lossDb() >= WORTH_DB);
            verdict.append("loses ").append(db(worst.lossDb())).append(" in ").append(at(worst));
            verdict.append(many == 1 ? "" : " (1 dB or more in " + count(many) + ")")
                    .append(": calibrate");
        } else {
            verdict.append("loses ")
                    .append(worst.lossDb() < EQUAL_DB / 2 ? "" : "at most ")
                    .append(db(Math.max(0, worst.lossDb())))
                    .append(": calibration changes little for fp8");
        }
        if (best.lossDb() <= -EQUAL_DB) {
            long many = count(slot -> slot.lossDb() <= -EQUAL_DB);
            verdict.append("; ").append(best.observer().word()).append(" is ").append(db(-best.lossDb()));
            verdict.append(" worse than scale 1.0 in ").append(at(best));
            verdict.append(many == 1 ? "" : " (worse in " + count(many) + ")");
            verdict.append(best.observer() instanceof Mse ? "" : ": consider observer: mse");
        }
        return verdict.append('.').toString();
    }

    private String clipped() {
        if (clips().isEmpty()) {
            return "clips nothing here";
        }
        UnitScaleSlot most = most(UnitScaleComparison::share);
        return "clips " + number(100 * share(most)) + " % of the values of " + at(most)
                + (clips().size() == 1 ? "" : " (some in " + count(clips().size()) + ")");
    }

    private List<UnitScaleSlot> clips() {
        return slots.stream().filter(UnitScaleSlot::clips).toList();
    }

    private static double share(UnitScaleSlot slot) {
        Double share = slot.unit().saturatedShare();
        return share == null ? 0 : share;
    }

    /** The slot with the greatest measure, the first of several by layer and role. */
    private UnitScaleSlot most(ToDoubleFunction<UnitScaleSlot> measure) {
        return slots.stream()
                .min(Comparator.comparingDouble((UnitScaleSlot slot) -> -measure.applyAsDouble(slot))
                        .thenComparing(UnitScaleSlot::slot))
                .orElseThrow();
    }

    private long count(Predicate<UnitScaleSlot> which) {
        return slots.stream().filter(which).count();
    }

    private String count(long some) {
        return some + " of " + slots.size() + " slots";
    }

    private static String at(UnitScaleSlot slot) {
        return "layer " + slot.slot().layer() + " " + slot.slot().role().letter();
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
