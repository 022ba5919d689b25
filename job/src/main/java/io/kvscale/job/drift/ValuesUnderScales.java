package io.kvscale.job.drift;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.Clipping;
import io.kvscale.quant.ScaleFit;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.table.SlotScales;
import org.jspecify.annotations.Nullable;

/**
 * The values of one slot in one of the statistics, under the deployed scales.
 *
 * @param tokens real tokens of all tensors
 * @param absmax the greatest |x|
 * @param clippedShare share of the values beyond the last number of the codes by more than half of its step, from 0 to 1; null
 *     if some are, and only histograms by channel would tell how many, or there are none
 * @param reach the largest ratio of a value to the last number on its side; infinite if codes do not reach that side
 * @param error null without histograms, or if the strategy is neither tensor nor attn_head
 * @param counts over all heads; null without histograms
 */
public record ValuesUnderScales(
        long tokens,
        float absmax,
        @Nullable Double clippedShare,
        double reach,
        @Nullable SlotError error,
        @Nullable ValueCounts counts) {

    static ValuesUnderScales of(SlotStatistics seen, SlotScales scales) {
        Clipping clipping = Clipping.of(seen, scales);
        ScaleFit fit = ScaleFit.of(seen, scales);
        return new ValuesUnderScales(
                seen.tokens(),
                Math.max(Math.abs(seen.min()), Math.abs(seen.max())),
                clipping == null ? null : (Double) clipping.share(),
                fit.reach(),
                fit.error(),
                seen.histogram(0, seen.geometry().heads()));
    }
}
