package io.kvscale.job.evaluation;

import io.kvscale.tensor.Slot;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Map;

/** What an evaluation says about scale tables, as sentences. The levels are those of the KL divergence in nats. */
final class Verdict {
    private static final double NO_LOSS = 0.001;
    private static final double SMALL_LOSS = 0.01;
    private static final double CLEAR_LOSS = 0.1;
    private static final double TENFOLD = 10;
    /** Differences of KL below this share may come from the choice of texts. */
    private static final double LITTLE = 0.1;

    private Verdict() {}

    /** @param baseline perplexity with the full-precision cache */
    static String of(double baseline, double perplexity, double kl, double top1) {
        return level(kl) + ": perplexity " + change(perplexity / baseline) + ", and " + fixed(100 * top1)
                + " % of the most likely next tokens stay the same.";
    }

    /**
     * Whether calibration is worth it.
     *
     * @param calibrated fp8 with calibrated scales
     * @param unit fp8 with scale 1.0
     */
    static String againstUnit(SchemeQuality calibrated, SchemeQuality unit) {
        double difference = unit.kl() - calibrated.kl();
        boolean little = Math.abs(difference) < Math.max(NO_LOSS, LITTLE * Math.max(unit.kl(), calibrated.kl()));
        String what = little
                ? "Calibration changes little"
                : difference > 0 ? "Calibration helps" : "Scale 1.0 does better than this calibration";
        return what + ": KL is " + digits(calibrated.kl()) + " with these scales, and " + digits(unit.kl())
                + " with scale 1.0" + largestDifference(calibrated, unit) + ".";
    }

    private static String largestDifference(SchemeQuality calibrated, SchemeQuality unit) {
        double largest = 0;
        Slot where = null;
        for (Map.Entry<Slot, Double> entry : calibrated.sqnrDb().entrySet()) {
            double difference = entry.getValue() - unit.sqnrDb().getOrDefault(entry.getKey(), entry.getValue());
            if (Double.isFinite(difference) && (where == null || Math.abs(difference) > Math.abs(largest))) {
                largest = difference;
                where = entry.getKey();
            }
        }
        return where == null
                ? ""
                : "; SQNR differs most in " + where + ": " + fixed(Math.abs(largest)) + " dB "
                        + (largest < 0 ? "lower" : "higher") + " than with scale 1.0";
    }

    private static String level(double kl) {
        if (kl < NO_LOSS) {
            return "Hardly any loss";
        } else if (kl < SMALL_LOSS) {
            return "A small loss";
        }
        return kl < CLEAR_LOSS ? "A clear loss" : "A severe loss";
    }

    private static String change(double ratio) {
        if (ratio >= TENFOLD) {
            return "rises more than tenfold";
        }
        String percent = fixed(100 * Math.abs(ratio - 1));
        return percent.equals("0.00") ? "stays the same" : (ratio > 1 ? "rises by " : "falls by ") + percent + " %";
    }

    /** Three significant digits. */
    private static String digits(double number) {
        return new BigDecimal(number).round(new MathContext(3)).toPlainString();
    }

    private static String fixed(double number) {
        return new BigDecimal(number).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    }
}
