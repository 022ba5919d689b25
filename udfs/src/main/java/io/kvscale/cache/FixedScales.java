package io.kvscale.cache;

import io.kvscale.model.onnx.GraphQuantizer;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.quant.HeldScales;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Calibrated scales of a {@code kv_scales.json} that do not change.
 *
 * <p>The cache may have another dtype than the calibration had, as in serving engines. Every step is then computed in f32,
 * whatever {@code scale_dtype} says, and only the result is rounded to the cache's dtype. With equal dtypes the arithmetic
 * is that of the calibration, bit for bit.
 */
public final class FixedScales implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final float[] NONE = {};

    private final QuantizationScheme scheme;
    private final TreeMap<Slot, HeldScales> scales = new TreeMap<>();

    private FixedScales(QuantizationScheme scheme) {
        this.scheme = scheme;
    }

    /** The scales of K and V of a table. */
    public static FixedScales of(ScaleTable table) {
        FixedScales fixed = new FixedScales(table.scheme());
        table.cached().slots().forEach((slot, calibrated) -> fixed.scales.put(slot, held(calibrated)));
        return fixed;
    }

    private static HeldScales held(SlotScales calibrated) {
        float[] zeroPoints = calibrated.scheme().symmetric() ? NONE : calibrated.zeroPoint();
        return new HeldScales(calibrated.scheme(), calibrated.geometry(), calibrated.scale(), zeroPoints);
    }

    /** @throws InvalidDataException if a slot's layer, heads or head_dim are not the model's; names the slot */
    public void checkFit(ModelShape model) {
        for (Map.Entry<Slot, HeldScales> entry : scales.entrySet()) {
            Slot slot = entry.getKey();
            if (slot.layer() >= model.layers()) {
                throw misfit(
                        slot, "the table has scales for this slot, but the model has " + model.layers() + " layers");
            }
            checkFit(slot, entry.getValue().geometry(), model.geometry());
        }
    }

    private static void checkFit(Slot slot, Geometry calibrated, Geometry cache) {
        if (calibrated.heads() != cache.heads() || calibrated.headDim() != cache.headDim()) {
            throw misfit(slot, "the scales were calibrated for " + calibrated + ", the cache is " + cache);
        }
    }

    private static InvalidDataException misfit(Slot slot, String what) {
        return new InvalidDataException(DataProblem.of(what, "use scales that were calibrated on this model")
                .inSlot(slot));
    }

    /** The table's common scheme. */
    QuantizationScheme scheme() {
        return scheme;
    }

    /** Whether the slot has scales. */
    public boolean quantizes(Slot slot) {
        return scales.containsKey(slot);
    }

    /**
     * The scales of a slot for a cache of this geometry; null if it has none.
     *
     * @throws InvalidDataException if heads or head_dim differ; names the slot
     */
    @Nullable
    HeldScales scales(Slot slot, Geometry cache) {
        HeldScales known = scales.get(slot);
        if (known == null || known.geometry().equals(cache)) {
            return known;
        }
        checkFit(slot, known.geometry(), cache);
        return new HeldScales(inFloat(known.scheme()), cache, known.scale(), known.zeroPoint());
    }

    private static QuantizationScheme inFloat(QuantizationScheme scheme) {
        return new QuantizationScheme(
                scheme.format(),
                scheme.strategy(),
                scheme.groupSize(),
                scheme.symmetric(),
                scheme.observer(),
                ScaleDtype.FLOAT32,
                scheme.globalScale());
    }

    /**
     * What a graph needs to quantize a cache of this geometry as {@link QuantizedKvCache} does, for all slots with scales.
     *
     * @throws InvalidDataException if heads or head_dim differ; names the slot
     */
    public Map<Slot, GraphQuantizer> graphQuantizers(Geometry cache) {
        Map<Slot, GraphQuantizer> quantizers = new TreeMap<>();
        for (Slot slot : scales.keySet()) {
            HeldScales held = scales(slot, cache);
            if (held != null) {
                quantizers.put(slot, held.toGraph());
            }
        }
        return quantizers;
    }

    /** Whether a graph can quantize a cache of this geometry: it computes in f32 only. */
    public boolean fitGraph(Geometry cache) {
        return scales.keySet().stream()
                .map(slot -> scales(slot, cache))
                .allMatch(held -> held == null || held.scheme().step(cache) == Dtype.F32);
    }

    /**
     * The scales for new tokens, which must be finite; null if the slot has none.
     *
     * @throws InvalidDataException if heads or head_dim differ, or a value is NaN or infinite; names the slot
     */
    @Nullable
    HeldScales scalesForFinite(Slot slot, KvTensor added) {
        HeldScales found = scales(slot, added.geometry());
        if (found != null && FakeQuantization.nonFinite(added).findAny().isPresent()) {
            throw nonFiniteValues(slot);
        }
        return found;
    }

    static InvalidDataException nonFiniteValues(Slot slot) {
        return new InvalidDataException(
                DataProblem.of("NaN or infinite values cannot be quantized", "find out why the model produced them")
                        .inSlot(slot));
    }
}
