package io.kvscale.cache;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
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

    private final TreeMap<Slot, HeldScales> scales = new TreeMap<>();

    private FixedScales() {}

    /** Those of all slots of a table; a slot that is not in it is not quantized. */
    public static FixedScales of(ScaleTable table) {
        FixedScales fixed = new FixedScales();
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
     * What is left of tokens in the cache: quantized and dequantized. NaN and infinities, which no format can hold, come
     * back as they are and change nothing else.
     *
     * @param tokens of a slot; come back themselves where it has no scales
     * @return on the heap; it shares nothing with {@code tokens} where the slot has scales
     * @throws InvalidDataException if the scales are of other heads or another head_dim; it names the slot
     */
    public KvTensor fakeQuantize(Slot slot, KvTensor tokens) {
        HeldScales its = of(slot, tokens.geometry());
        if (its == null || tokens.tokens() == 0) {
            return tokens;
        }
        int[] odd = nonFinite(tokens).toArray();
        KvTensor finite = odd.length == 0 ? tokens : with(tokens, odd, null);
        KvTensor left = of(finite, ByteBuffer.allocate(finite.values().capacity()));
        CodeBlock.of(finite, 0, finite.tokens(), its, its.changeTo(its))
                .dequantizeInto(left.values(), its, finite.tokens(), 0);
        return odd.length == 0 ? left : with(left, odd, tokens);
    }

    /** The indices of the values that are NaN or infinite. */
    static IntStream nonFinite(KvTensor tensor) {
        Dtype dtype = tensor.geometry().dtype();
        return IntStream.range(0, tensor.size()).filter(i -> !isFinite(dtype, tensor.bits(i)));
    }

    private static boolean isFinite(Dtype dtype, int bits) {
        int key = dtype.orderKey(bits);
        return key < dtype.infinityKey() && key > dtype.negativeInfinityKey();
    }

    /** A copy with these values taken from another tensor, or 0. */
    private static KvTensor with(KvTensor tensor, int[] index, @Nullable KvTensor from) {
        KvTensor copy = copy(tensor);
        for (int i : index) {
            int bits = from == null ? 0 : from.bits(i);
            if (copy.geometry().dtype().bytes() == 4) {
                copy.values().putInt(4 * i, bits);
            } else {
                copy.values().putShort(2 * i, (short) bits);
            }
        }
        return copy;
    }

    private static KvTensor copy(KvTensor tensor) {
        ByteBuffer values = ByteBuffer.allocate(tensor.values().capacity());
        values.put(tensor.values().duplicate()).flip();
        return of(tensor, values);
    }

    /** Other values in the same shape. */
    private static KvTensor of(KvTensor tensor, ByteBuffer values) {
        return new KvTensor(tensor.geometry(), tensor.batch(), tensor.tokens(), values.order(ByteOrder.LITTLE_ENDIAN));
    }
}
