package io.kvscale.job.evaluation;

import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/** Builds scale tables without a calibration. */
public final class JobScales {
    private JobScales() {}

    /** A table with the same scale in every slot. */
    public static ScaleTable of(QuantizationScheme scheme, int heads, int headDim, float scale, Slot... slots) {
        Geometry geometry = new Geometry(Dtype.F32, heads, headDim);
        int[] shape = scheme.strategy().scaleShape(geometry, scheme.groupSize());
        float[] scales = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        Arrays.fill(scales, scale);
        float[] zeros = new float[scales.length];
        SortedMap<Slot, SlotScales> all = new TreeMap<>();
        for (Slot slot : slots) {
            all.put(
                    slot,
                    new SlotScales(scheme, geometry, scales, zeros, zeros, zeros, 0, 0, 1, 0, 0, null, null, null));
        }
        return new ScaleTable(scheme, new ScaleTable.CorpusSummary("0".repeat(64), 1, 1, 1, 1), all);
    }
}
