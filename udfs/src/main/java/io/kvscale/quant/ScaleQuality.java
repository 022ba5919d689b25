package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Observer;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Collects what the scales of all slots do to their values: refuses scales that clip too much, and warns of large errors. */
final class ScaleQuality {
    /** Share of the values of a slot in percent above which clipping is a warning. */
    private static final double WARN_CLIPPED = 0.01;

    /** Below this the error is more than a tenth of the signal. */
    private static final double WARN_SQNR_DB = 10;

    /** Without histograms: a largest value above this multiple of what its scales reach is a warning. */
    private static final double WARN_EXCESS = 2;

    /** A slot whose scales clip at a loss, or whose SQNR is low. */
    private record Case(
            Slot slot,
            SlotStatistics seen,
            @Nullable Clipping clipping,
            Excess excess,
            @Nullable SlotError error,
            Observer observer) {
        /** For example {@code 12 of 18432 values (0.0651 %)}. */
        String clipped() {
            return clipping == null
                    ? ""
                    : clipping.clipped() + " of " + clipping.values() + " values (" + number(clipping.percent())
                            + " %)";
        }

        String how() {
            String kwargs = observer.kwargs().isEmpty() ? "" : " " + observer.kwargs();
            return (error == null ? "" : "SQNR " + db(error) + ", ") + "observer " + observer.word() + kwargs;
        }
    }

    private final double maxSaturated;
    private final String remedy;
    private final List<Case> clipped = new ArrayList<>();
    private final List<Case> exceeded = new ArrayList<>();
    private final List<Case> noisy = new ArrayList<>();
    private int slots;

    /**
     * @param maxSaturated the share of the values of a slot that may be clipped, in percent
     * @param remedy of scales that clip more
     */
    ScaleQuality(double maxSaturated, String remedy) {
        this.maxSaturated = maxSaturated;
        this.remedy = remedy;
    }

    /** @param error null if it is not known */
    void add(Slot slot, SlotStatistics seen, ScaleSet set, @Nullable SlotError error) {
        slots++;
        Clipping clipping = Clipping.of(seen, set);
        Case found = new Case(
                slot, seen, clipping, Excess.of(seen, set), error, set.scheme().observer());
        if (clipping != null
                && clipping.percent() > Math.min(WARN_CLIPPED, maxSaturated)
                && Clipping.isLoss(seen, set.scheme(), error)) {
            clipped.add(found);
        }
        if (clipping == null && found.excess().ratio() > WARN_EXCESS) {
            exceeded.add(found);
        }
        if (error != null && error.sqnrDb() < WARN_SQNR_DB) {
            noisy.add(found);
        }
    }

    /** @throws InvalidDataException for the slot that is clipped most, if that is more than allowed */
    void check() {
        List<Case> refused =
                clipped.stream().filter(one -> percent(one) > maxSaturated).toList();
        if (refused.isEmpty()) {
            return;
        }
        Case worst = most(refused);
        String more = refused.size() == 1 ? "" : "; " + refused.size() + " of " + slots + " slots are above the limit";
        throw new InvalidDataException(SlotCheck.problem(
                worst.seen().firstOrigin(),
                worst.slot(),
                "the scales clip " + worst.clipped() + ", and " + number(maxSaturated) + " % are allowed: "
                        + worst.how() + more,
                remedy));
    }

    /** About clipped values, counted or not, and about a low SQNR. */
    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (!clipped.isEmpty()) {
            Case worst = most(clipped);
            warnings.add("clipped values: in " + clipped.size() + " of " + slots + " slots the scales clip more than "
                    + number(WARN_CLIPPED) + " % of the values, and the error is larger than without; the most in "
                    + worst.slot() + ": " + worst.clipped() + ", " + worst.how() + ". observer: static_minmax clips no"
                    + " values, mse only where that makes the error smaller");
        }
        if (!exceeded.isEmpty()) {
            // The first of several, in the order of slots.
            Case worst = exceeded.stream()
                    .max(Comparator.comparingDouble((Case one) -> one.excess().ratio())
                            .thenComparing(Case::slot, Comparator.reverseOrder()))
                    .orElseThrow();
            Excess excess = worst.excess();
            warnings.add("clipped values: in " + exceeded.size() + " of " + slots + " slots the largest value is more"
                    + " than " + number(WARN_EXCESS) + " times what the scales reach; the most in " + worst.slot()
                    + ": a value of " + number(excess.largest()) + ", the range ends at " + number(excess.reach())
                    + ", " + worst.how() + ". observer: static_minmax clips no"
                    + " values; statistics: histogram under kvscale counts the clipped ones");
        }
        if (!noisy.isEmpty()) {
            Case worst = noisy.stream()
                    .min(Comparator.comparingDouble(ScaleQuality::sqnr))
                    .orElseThrow();
            warnings.add("large errors: in " + noisy.size() + " of " + slots + " slots the SQNR is below "
                    + number(WARN_SQNR_DB) + " dB; the lowest in " + worst.slot() + ": " + worst.how()
                    + ". Take more bits, a finer strategy, or observer: mse");
        }
        return warnings;
    }

    private static Case most(List<Case> cases) {
        // The first of several, in the order of slots.
        return cases.stream()
                .max(Comparator.comparingDouble(ScaleQuality::percent)
                        .thenComparing(Case::slot, Comparator.reverseOrder()))
                .orElseThrow();
    }

    private static double percent(Case one) {
        return one.clipping() == null ? 0 : one.clipping().percent();
    }

    private static double sqnr(Case one) {
        return one.error() == null ? Double.POSITIVE_INFINITY : one.error().sqnrDb();
    }

    private static String db(SlotError error) {
        return String.format(Locale.ROOT, "%.1f dB", error.sqnrDb());
    }

    private static String number(double x) {
        BigDecimal rounded = new BigDecimal(x).round(new MathContext(3));
        return x == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
    }
}
