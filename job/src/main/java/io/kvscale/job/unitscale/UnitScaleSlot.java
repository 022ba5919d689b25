package io.kvscale.job.unitscale;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.ScaleFit;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.Observer;
import io.kvscale.tensor.Slot;
import org.jspecify.annotations.Nullable;

/**
 * A slot in fp8 e4m3 with scale 1.0 and with calibrated scales. With scale 1.0 the values with |x| above 448 become 448 or
 * -448.
 *
 * @param absmax the greatest |x| of the slot
 * @param unit the fit of scale 1.0
 * @param observer of the calibrated scales
 * @param calibrated their error; null without histograms
 */
public record UnitScaleSlot(
        Slot slot,
        float absmax,
        ScaleFit unit,
        Observer observer,
        @Nullable SlotError calibrated) {

    /** @param calibrated the error of calibrated fp8 scales of these values; null without histograms */
    public static UnitScaleSlot of(Slot slot, SlotStatistics seen, Observer observer, @Nullable SlotError calibrated) {
        float absmax = Math.max(Math.abs(seen.min()), Math.abs(seen.max()));
        return new UnitScaleSlot(slot, absmax, ScaleFit.ofUnitScale(seen), observer, calibrated);
    }

    /** Whether a value is beyond 448. */
    boolean clips() {
        Double share = unit.saturatedShare();
        return share == null || share > 0;
    }

    /** Whether histograms tell the errors. */
    public boolean isCounted() {
        return unit.error() != null && calibrated != null;
    }

    /**
     * The SQNR in decibels that scale 1.0 loses against the calibrated scales; negative if it is the better one, infinite if
     * one of them has no error, NaN without histograms.
     */
    public double lossDb() {
        SlotError one = unit.error();
        if (one == null || calibrated == null) {
            return Double.NaN;
        }
        // Two infinite SQNR differ by NaN.
        return one.sqnrDb() == calibrated.sqnrDb() ? 0 : calibrated.sqnrDb() - one.sqnrDb();
    }
}
