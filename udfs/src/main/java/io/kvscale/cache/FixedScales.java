package io.kvscale.cache;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.quant.HeldScales;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.ScaleTable;
import io.kvscale.scheme.SlotScales;
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
 * Scales that are given, not derived from what is quantized with them: those of a {@code kv_scales.json}.
 *
 * <p>Scales are f32 numbers, and may be used on a cache of another element type than they were calibrated on, as serving
 * engines do. Then every step is computed in f32, whatever the scheme's {@code scale_dtype} says, and only the result is
 * rounded to the cache's type; where both are the same, the arithmetic is that of the calibration, bit for bit.
 */
public final class FixedScales implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final float[] NONE = {};

    private final QuantizationScheme scheme;
    private final TreeMap<Slot, HeldScales> scales = new TreeMap<>();

    private FixedScales(QuantizationScheme scheme) {
        this.scheme = scheme;
    }

    /** Those of all slots of a table; a slot that is not in it is not quantized. */
    public static FixedScales of(ScaleTable table) {
        FixedScales fixed = new FixedScales(table.scheme());
        table.slots().forEach((slot, its) -> fixed.scales.put(slot, held(its)));
        return fixed;
    }

    private static HeldScales held(SlotScales its) {
        float[] zeroPoints = its.scheme().symmetric() ? NONE : its.zeroPoint();
        return new HeldScales(its.scheme(), its.geometry(), its.scale(), zeroPoints);
    }

    /**
     * Looks whether they are this model's.
     *
     * @throws InvalidDataException if one is of a layer that the model has not, of other heads or another head_dim; it
     *     names the slot
     */
    public void checkFit(ModelShape model) {
        for (Map.Entry<Slot, HeldScales> entry : scales.entrySet()) {
            Slot slot = entry.getKey();
            if (slot.layer() >= model.layers()) {
                throw misfit(slot, "there are scales of this slot, but the model has " + model.layers() + " layers");
            }
            checkFit(slot, entry.getValue().geometry(), model.geometry());
        }
    }

    private static void checkFit(Slot slot, Geometry calibrated, Geometry cache) {
        if (calibrated.heads() != cache.heads() || calibrated.headDim() != cache.headDim()) {
            throw misfit(slot, "the scales are of " + calibrated + ", the cache is " + cache);
        }
    }

    private static InvalidDataException misfit(Slot slot, String what) {
        return new InvalidDataException(DataProblem.of(what, "take scales that were calibrated on this model")
                .inSlot(slot));
    }

    /** The scheme of slots that have no scheme of their own. */
    QuantizationScheme scheme() {
        return scheme;
    }

    /** Whether there are scales of a slot. */
    public boolean quantizes(Slot slot) {
        return scales.containsKey(slot);
    }

    /**
     * The scales of a slot as a cache of this geometry needs them; null where there are none.
     *
     * @throws InvalidDataException if they are of other heads or another head_dim; it names the slot
     */
    @Nullable
    HeldScales of(Slot slot, Geometry cache) {
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
     * The scales for new tokens; null for a slot without scales.
     *
     * @throws InvalidDataException if the scales do not fit, or a value of a slot with scales is NaN or infinite
     */
    @Nullable
    HeldScales finite(Slot slot, KvTensor added) {
        HeldScales found = of(slot, added.geometry());
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
