package io.kvscale.job.unitscale;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.quant.ScaleFit;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.Observer;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The sentence about scale 1.0, honest both ways. */
class UnitScaleComparisonTest {
    private static final Observer MIN_MAX = new StaticMinMax();

    private static UnitScaleSlot slot(
            int layer, Role role, Observer observer, double unit, double calibrated, long beyond) {
        ScaleFit fit = new ScaleFit(beyond > 0 ? 2 : 0.1, beyond / 1000.0, error(unit));
        return new UnitScaleSlot(new Slot(layer, role), 20, fit, observer, error(calibrated));
    }

    private static SlotError error(double sqnr) {
        return new SlotError(1000, 1, 1, 1, sqnr, 0, 9, false);
    }

    private static UnitScaleSlot ranges(int layer, float absmax) {
        return new UnitScaleSlot(
                new Slot(layer, Role.KEY),
                absmax,
                new ScaleFit(absmax / 448, absmax > 448 ? null : 0.0, null),
                MIN_MAX,
                null);
    }

    private static String verdict(UnitScaleSlot... slots) {
        return new UnitScaleComparison(List.of(slots)).verdict();
    }

    @Test
    void calibrationChangesLittle() {
        assertThat(verdict(slot(0, Role.KEY, MIN_MAX, 31.5, 31.52, 0), slot(0, Role.VALUE, MIN_MAX, 31.5, 31.45, 0)))
                .isEqualTo("Scale 1.0 clips nothing here and loses 0.0 dB: calibration changes little for fp8.");
        assertThat(verdict(slot(0, Role.KEY, MIN_MAX, 31.5, 32.2, 0), slot(0, Role.VALUE, MIN_MAX, 31.5, 31.45, 0)))
                .isEqualTo(
                        "Scale 1.0 clips nothing here and loses at most 0.7 dB: calibration changes little for fp8.");
        assertThat(verdict(slot(3, Role.KEY, MIN_MAX, 31.5, 31.7, 2)))
                .isEqualTo("Scale 1.0 clips 0.2 % of the values of layer 3 K but loses at most 0.2 dB:"
                        + " calibration changes little for fp8.");
    }

    @Test
    void scaleOneLoses() {
        assertThat(verdict(slot(22, Role.VALUE, MIN_MAX, 31, 31, 0), slot(23, Role.VALUE, MIN_MAX, 27.4, 31.5, 0)))
                .isEqualTo("Scale 1.0 clips nothing here but loses 4.1 dB in layer 23 V: calibrate.");
        assertThat(verdict(
                        slot(1, Role.KEY, MIN_MAX, 20, 31.5, 5),
                        slot(2, Role.KEY, MIN_MAX, 30, 31.5, 1),
                        slot(3, Role.KEY, MIN_MAX, 31.5, 31.5, 0)))
                .isEqualTo("Scale 1.0 clips 0.5 % of the values of layer 1 K (some in 2 of 3 slots) and loses 11.5 dB"
                        + " in layer 1 K (1 dB or more in 2 of 3 slots): calibrate.");
    }

    @Test
    void calibratedScalesAreWorse() {
        UnitScaleSlot worse = slot(4, Role.KEY, MIN_MAX, 31.5, 31.2, 0);
        assertThat(verdict(worse, slot(4, Role.VALUE, MIN_MAX, 31.5, 31.5, 0)))
                .isEqualTo("Scale 1.0 clips nothing here and loses 0.0 dB: calibration changes little for fp8;"
                        + " static_minmax is 0.3 dB worse than scale 1.0 in layer 4 K: consider observer: mse.");
        assertThat(verdict(worse, slot(5, Role.KEY, new Mse(), 31.5, 31, 0)))
                .endsWith("; mse is 0.5 dB worse than scale 1.0 in layer 5 K (worse in 2 of 2 slots).");
        assertThat(verdict(slot(0, Role.KEY, MIN_MAX, Double.POSITIVE_INFINITY, 31, 0)))
                .contains("static_minmax is infinitely many dB worse than scale 1.0 in layer 0 K");
    }

    @Test
    void errorsThatAreBothZeroAreEqual() {
        assertThat(slot(0, Role.KEY, MIN_MAX, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0)
                        .lossDb())
                .isZero();
    }

    @Test
    void rangesTellWhatIsClippedOnly() {
        assertThat(verdict(ranges(0, 20.8f), ranges(1, 3)))
                .isEqualTo(
                        "Scale 1.0 clips nothing here: the largest |x| is 20.8, in layer 0 K; only histograms tell its"
                                + " error (statistics: histogram).");
        assertThat(verdict(ranges(0, 20.8f), ranges(1, 600)))
                .isEqualTo("Scale 1.0 clips values beyond 448 in 1 of 2 slots: the largest |x| is 600, in layer 1 K;"
                        + " calibrate.");
    }

    @Test
    void theSlotsThatLoseMostComeFirst() {
        UnitScaleSlot little = slot(0, Role.KEY, MIN_MAX, 31, 31.5, 0);
        UnitScaleSlot much = slot(1, Role.KEY, MIN_MAX, 21, 31.5, 0);
        assertThat(new UnitScaleComparison(List.of(little, ranges(2, 9), much)).byLoss())
                .containsExactly(much, little);
    }
}
