package io.kvscale.job.bench;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Rate of {@link QuantizedKvCache#update}: K and V of every layer are observed, quantized to fp8 and dequantized. */
final class UpdateRate {
    /** Number of distinct tensors; the layers use them in turn. */
    private static final int TENSORS = 8;

    private UpdateRate() {}

    /** GB/s of bf16 input on one thread. */
    static double measure(CaptureShape shape, double seconds) throws Exception {
        Geometry geometry = new Geometry(Dtype.BF16, shape.heads(), shape.headDim());
        List<KvTensor> tensors = new ArrayList<>();
        for (int i = 0; i < TENSORS; i++) {
            ByteBuffer values = ByteBuffer.wrap(shape.randomTensor(i));
            tensors.add(new KvTensor(geometry, 1, shape.tokens(), values));
        }
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.fp8());
        return new Rounds(shape.fileBytes(), seconds)
                .medians(Map.of("update", () -> prefill(cache, shape.layers(), tensors)))
                .applyAsDouble("update");
    }

    private static int prefill(QuantizedKvCache cache, int layers, List<KvTensor> tensors) {
        cache.resetStates();
        int tokens = 0;
        for (int layer = 0; layer < layers; layer++) {
            KvTensor key = tensors.get(2 * layer % TENSORS);
            KvTensor value = tensors.get((2 * layer + 1) % TENSORS);
            tokens += cache.update(key, value, layer).key().tokens();
        }
        return tokens;
    }
}
