package io.kvscale.cache;

import io.kvscale.numeric.QuantParameters;
import io.kvscale.quant.HeldScales;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/** Scale tables for tests. */
public final class TestScales {
    private TestScales() {}

    /** Random scales of one slot, wide enough for normal values or tighter. */
    public static SlotScales random(Random random, QuantizationScheme scheme, Geometry geometry) {
        int count = geometry.channels() / scheme.strategy().channelsPerScale(geometry, scheme.groupSize());
        float[] scale = new float[count];
        float[] zeroPoint = new float[count];
        for (int i = 0; i < count; i++) {
            float least = geometry.dtype().round(-random.nextFloat() * 4 - 0.01f);
            float most = geometry.dtype().round(random.nextFloat() * 4 + 0.01f);
            QuantParameters parameters = QuantParameters.ofRange(
                    least,
                    most,
                    scheme.format(),
                    scheme.symmetric(),
                    scheme.scaleDtype().over(geometry.dtype()));
            scale[i] = scheme.globalScale() == null ? parameters.scale() : 2688 / most;
            zeroPoint[i] = parameters.zeroPoint();
        }
        return of(scheme, geometry, scale, zeroPoint);
    }

    public static SlotScales of(QuantizationScheme scheme, Geometry geometry, float[] scale, float[] zeroPoint) {
        float[] range = new float[scale.length];
        return new SlotScales(scheme, geometry, scale, zeroPoint, range, range, 0, 0, 1, 0, 0, null, null, null);
    }

    public static FixedScales table(SortedMap<Slot, SlotScales> slots) {
        ScaleTable.CorpusSummary corpus = new ScaleTable.CorpusSummary("0".repeat(64), 1, 1, 1, 1);
        return FixedScales.of(new ScaleTable(QuantizationScheme.fp8(), corpus, slots));
    }

    public static FixedScales table(Slot slot, SlotScales slotScales) {
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        slots.put(slot, slotScales);
        return table(slots);
    }

    public static HeldScales held(SlotScales slotScales, Geometry geometry) {
        return new HeldScales(
                slotScales.scheme(),
                geometry,
                slotScales.scale(),
                slotScales.scheme().symmetric() ? new float[0] : slotScales.zeroPoint());
    }

    /** Quantizes and dequantizes tokens of a slot that has scales. */
    public static KvTensor fakeQuantized(FixedScales scales, Slot slot, KvTensor tokens) {
        return FakeQuantization.apply(tokens, Objects.requireNonNull(scales.scales(slot, tokens.geometry())));
    }
}
