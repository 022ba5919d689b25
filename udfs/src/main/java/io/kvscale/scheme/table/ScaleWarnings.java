package io.kvscale.scheme.table;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.numeric.RangeOverflowException;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds edits: a hash that is not that of the scales, and scales that are far from the scale of the range beside them,
 * because an edited file may hold any positive number. The scales of every observer equal those of their {@code range}. A scale whose range was removed is compared with the values.
 */
final class ScaleWarnings {
    private static final double FAR = 16;

    private ScaleWarnings() {}

    /** At most two warnings: the stated hash is not that of the scales; the first slot with a scale that is far off. */
    static List<String> of(ScaleTable table) {
        List<String> warnings = new ArrayList<>(farScales(table));
        String stated = table.provenance().statedSha256();
        if (stated != null && !stated.equals(table.sha256())) {
            warnings.add(
                    0,
                    "scales_sha256 is not that of the scales, which were edited: theirs is " + table.sha256()
                            + "; write it into the file, or remove scales_sha256");
        }
        return warnings;
    }

    private static List<String> farScales(ScaleTable table) {
        List<String> found = new ArrayList<>();
        table.slots().forEach((slot, scales) -> check(slot, scales, found));
        int more = found.size() - 1;
        return more < 0 ? List.of() : List.of(found.get(0) + (more == 0 ? "" : "; so do " + more + " other slots"));
    }

    private static void check(Slot slot, SlotScales scales, List<String> found) {
        int n = scales.scale().length;
        for (int i = 0; i < n; i++) {
            boolean hasRange = !Float.isNaN(scales.rangeMin()[i]);
            float min = hasRange ? scales.rangeMin()[i] : scales.min();
            float max = hasRange ? scales.rangeMax()[i] : scales.max();
            float scale = scales.scale()[i];
            double reach = reach(scales.scheme(), scale);
            double fitting = reach(scales.scheme(), scale(scales, min, max));
            // Some channels of a slot may be far smaller than its greatest value.
            boolean small = reach < fitting / FAR && (hasRange || n == 1);
            if (small || reach > fitting * FAR) {
                found.add(slot + " has the scale " + scale + ", which does not fit the "
                        + (hasRange ? "range " : "values ") + min + " to " + max + " beside it");
                return;
            }
        }
    }

    /** The scale of a range; NaN, which compares as not far, if it has none. */
    private static float scale(SlotScales scales, float min, float max) {
        QuantizationScheme scheme = scales.scheme();
        GlobalScale convention = scheme.globalScale();
        if (convention != null) {
            return convention.of(Math.max(-min, max));
        }
        Dtype step = scheme.step(scales.geometry());
        try {
            return QuantParameters.ofRange(min, max, scheme.format(), scheme.symmetric(), step)
                    .scale();
        } catch (RangeOverflowException e) {
            return Float.NaN;
        }
    }

    /** Proportional to the greatest value that a scale can represent. */
    private static double reach(QuantizationScheme scheme, float scale) {
        GlobalScale convention = scheme.globalScale();
        return convention != null && convention.divides() ? 1.0 / scale : scale;
    }
}
