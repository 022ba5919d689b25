package io.kvscale.cache;

import io.kvscale.numeric.Dtype;
import io.kvscale.quant.HeldScales;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Quantizes tokens and dequantizes the codes at once. */
final class FakeQuantization {
    private FakeQuantization() {}

    /**
     * Fake-quantizes all tokens. NaN and infinite values, which no format can hold, stay as they are and do not affect
     * other values.
     *
     * @return a new tensor on the heap
     */
    static KvTensor apply(KvTensor tokens, HeldScales scales) {
        int[] odd = nonFinite(tokens).toArray();
        KvTensor finite = odd.length == 0 ? tokens : with(tokens, odd, null);
        KvTensor left = like(finite, ByteBuffer.allocate(finite.values().capacity()));
        int count = finite.tokens();
        CodeBlock.of(finite, count, scales, scales.changeTo(scales), left.values(), count, 0);
        return odd.length == 0 ? left : with(left, odd, tokens);
    }

    /** The indices of NaN and infinite values. */
    static IntStream nonFinite(KvTensor tensor) {
        Dtype dtype = tensor.geometry().dtype();
        return IntStream.range(0, tensor.size()).filter(i -> {
            int key = dtype.orderKey(tensor.bits(i));
            return key >= dtype.infinityKey() || key <= dtype.negativeInfinityKey();
        });
    }

    /** A copy with the values at {@code index} taken from another tensor, or set to 0. */
    private static KvTensor with(KvTensor tensor, int[] index, @Nullable KvTensor from) {
        KvTensor copy = like(
                tensor,
                ByteBuffer.allocate(tensor.values().capacity())
                        .put(tensor.values().duplicate())
                        .flip());
        Dtype dtype = copy.geometry().dtype();
        for (int i : index) {
            dtype.put(copy.values(), i * dtype.bytes(), from == null ? 0 : from.bits(i));
        }
        return copy;
    }

    private static KvTensor like(KvTensor tensor, ByteBuffer values) {
        return new KvTensor(tensor.geometry(), tensor.batch(), tensor.tokens(), values.order(ByteOrder.LITTLE_ENDIAN));
    }
}
