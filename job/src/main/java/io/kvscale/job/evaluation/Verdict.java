package io.kvscale.job.evaluation;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** What an evaluation says about one scale table, as a sentence. The levels are those of the KL divergence in nats. */
final class Verdict {
    private static final double NO_LOSS = 0.001;
    private static final double SMALL_LOSS = 0.01;
    private static final double CLEAR_LOSS = 0.1;
    private static final double TENFOLD = 10;

    private Verdict() {}

    /** @param baseline perplexity with the full-precision cache */
    static String of(double baseline, double perplexity, double kl, double top1) {
        return level(kl) + ": perplexity " + change(perplexity / baseline) + ", and " + fixed(100 * top1)
                + " % of the most likely next tokens stay the same.";
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

    private static String fixed(double number) {
        return new BigDecimal(number).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    }
}
