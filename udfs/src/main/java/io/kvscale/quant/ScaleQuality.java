package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
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

    private static final Observer MSE = new Mse();
    private static final String CLIPPING_OBSERVERS =
            "observer: static_minmax clips no values, mse without observer_kwargs"
                    + " only where that makes the error smaller";

    /** A slot whose scales clip at a loss, or whose SQNR is low. */
    private record Case(
            Slot slot,
            @Nullable Clipping clipping,
            Excess excess,
            @Nullable SlotError error,
            QuantizationScheme scheme,
            Geometry geometry) {
        /** For example {@code 12 of 18432 values (0.0651 %)}. */
        String clipped() {
            return clipping == null
                    ? ""
                    : clipping.clipped() + " of " + clipping.values() + " values (" + number(clipping.percent())
                            + " %)";
        }

        /** Whether histograms would tell how many values are clipped. */
        boolean byHeads() {
            return scheme.channelsPerScale(geometry) >= geometry.headDim();
        }

        /** What may have a smaller error. */
        String better() {
            String bits = scheme.format().bits() < Byte.SIZE ? "more bits or " : "";
            boolean hasMse = scheme.observer() instanceof Mse;
            return bits + "a finer strategy"
                    + (MSE.equals(scheme.observer())
                            ? ""
                            : ", or observer: mse" + (hasMse ? " without observer_kwargs" : ""));
        }

        String how() {
            Observer observer = scheme.observer();
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

    /**
     * @param seen with histograms, if they are known
     * @param error null if it is not known
     */
    void add(Slot slot, SlotStatistics seen, ScaleSet set, @Nullable SlotError error) {
        slots++;
        Clipping clipping = Clipping.of(seen, set);
        Case found = new Case(slot, clipping, Excess.of(seen, set), error, set.scheme(), seen.geometry());
        if (clipping != null
                && clipping.percent() > Math.min(WARN_CLIPPED, maxSaturated)
                && Clipping.isLoss(seen, set.scheme(), error)) {
            clipped.add(found);
        }
        if (clipping == null && found.excess().isClipped(set.scheme().format())) {
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
        // It names no file: values of many samples may be clipped, and counts do not tell of which.
        throw new InvalidDataException(new DataProblem(
                "the scales clip " + worst.clipped() + ", and " + number(maxSaturated) + " % are allowed: "
                        + worst.how() + more,
                remedy,
                null,
                worst.slot(),
                null,
                null));
    }

    /** About clipped values, counted or not, and about a low SQNR. */
    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (!clipped.isEmpty()) {
            Case worst = most(clipped);
            warnings.add("clipped values: in " + clipped.size() + " of " + slots + " slots the scales clip more than "
                    + number(WARN_CLIPPED) + " % of the values, and the error is larger than without; the most in "
                    + worst.slot() + ": " + worst.clipped() + ", " + worst.how() + ". " + CLIPPING_OBSERVERS);
        }
        if (!exceeded.isEmpty()) {
            // The first of several, in the order of slots.
            Case worst = exceeded.stream()
                    .max(Comparator.comparingDouble((Case one) -> one.excess().share())
                            .thenComparing(Case::slot, Comparator.reverseOrder()))
                    .orElseThrow();
            Excess excess = worst.excess();
            warnings.add("clipped values: in " + exceeded.size() + " of " + slots + " slots the largest values are"
                    + " beyond what the scales reach; the most in " + worst.slot() + ": a value of "
                    + number(excess.value()) + ", the range ends at " + number(excess.end()) + ", " + worst.how()
                    + ". observer: static_minmax clips no values"
                    + (worst.byHeads() ? "; statistics: histogram under kvscale tells how many are clipped" : ""));
        }
        if (!noisy.isEmpty()) {
            Case worst = noisy.stream()
                    .min(Comparator.comparingDouble(ScaleQuality::sqnr))
                    .orElseThrow();
            warnings.add("large errors: in " + noisy.size() + " of " + slots + " slots the SQNR is below "
                    + number(WARN_SQNR_DB) + " dB; the lowest in " + worst.slot() + ": " + worst.how()
                    + ". Take " + worst.better());
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
