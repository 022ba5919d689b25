package io.kvscale.job.report;

import io.kvscale.job.unitscale.UnitScaleSlot;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A slot as the page shows it.
 *
 * @param channels maximum |x| per channel, row-major in (head, channel); NaN: no finite value
 * @param distribution null if the statistics hold only ranges
 * @param errors null if the statistics hold only ranges
 * @param unit compares scale 1.0 with the slot's own scale if that is fp8 e4m3, else with that of {@link SchemeErrors#FP8}
 */
record ReportedSlot(
        Slot slot,
        SlotScales scales,
        SlotStatistics seen,
        float[] channels,
        @Nullable Distribution distribution,
        @Nullable SchemeErrors errors,
        UnitScaleSlot unit) {

    static ReportedSlot of(Slot slot, SlotScales scales, SlotStatistics seen) {
        Range[] ranges = seen.ranges(1);
        float[] absmax = new float[ranges.length];
        for (int c = 0; c < absmax.length; c++) {
            absmax[c] =
                    ranges[c].isEmpty() ? Float.NaN : Math.max(Math.abs(ranges[c].min()), Math.abs(ranges[c].max()));
        }
        SchemeErrors errors = SchemeErrors.of(scales, seen);
        return new ReportedSlot(
                slot, scales, seen, absmax, Distribution.of(seen), errors, unit(slot, scales, seen, errors));
    }

    private static UnitScaleSlot unit(
            Slot slot, SlotScales scales, SlotStatistics seen, @Nullable SchemeErrors errors) {
        QuantizationScheme scheme = scales.scheme();
        boolean fp8 = scheme.format() == NumberFormat.FP8_E4M3 && scheme.symmetric();
        SlotError own = errors == null || !fp8 ? null : errors.own();
        SlotError calibrated = own == null && errors != null ? errors.fp8() : own;
        QuantizationScheme compared = own == null ? SchemeErrors.FP8 : scheme;
        return UnitScaleSlot.of(slot, seen, compared.observer(), calibrated);
    }

    int heads() {
        return scales.geometry().heads();
    }

    int headDim() {
        return scales.geometry().headDim();
    }

    /** Maximum |x| of a head; 0 without finite values. */
    float absmaxOfHead(int head) {
        float greatest = 0;
        for (int c = head * headDim(); c < (head + 1) * headDim(); c++) {
            greatest = channels[c] > greatest ? channels[c] : greatest;
        }
        return greatest;
    }

    /** Maximum |x| of the slot. */
    float absmax() {
        return Math.max(Math.abs(scales.min()), Math.abs(scales.max()));
    }

    /** The lower median of the maximum |x| of a head's channels. NaN sorts last. */
    float medianOfHead(int head) {
        float[] sorted = Arrays.copyOfRange(channels, head * headDim(), (head + 1) * headDim());
        Arrays.sort(sorted);
        return sorted[(sorted.length - 1) / 2];
    }

    /** The smallest and the largest number that any scale of the slot can represent. Values outside saturate. */
    float[] widestReach() {
        float[] reach = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
        for (int i = 0; i < scales.scale().length; i++) {
            float[] one = reach(i);
            reach[0] = Math.min(reach[0], one[0]);
            reach[1] = Math.max(reach[1], one[1]);
        }
        return reach;
    }

    /** The smallest and the largest number that the scale with the narrowest range can represent. */
    float[] narrowestReach() {
        float[] least = reach(0);
        for (int i = 1; i < scales.scale().length; i++) {
            float[] one = reach(i);
            least = one[1] - one[0] < least[1] - least[0] ? one : least;
        }
        return least;
    }

    private float[] reach(int i) {
        float scale = scales.scale()[i];
        float zeroPoint = scales.zeroPoint()[i];
        if (scales.scheme().globalScale() != null) {
            // The global scale is derived from the range, so that the local scales cover exactly this range.
            float end = Math.max(-scales.rangeMin()[i], scales.rangeMax()[i]);
            return new float[] {-end, end};
        }
        return new float[] {
            (scales.scheme().format().min() - zeroPoint) * scale,
            (scales.scheme().format().max() - zeroPoint) * scale
        };
    }
}
