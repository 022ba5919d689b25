package io.kvscale.job.bench;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.kernel.MinMaxKernel;
import io.kvscale.quant.kernel.QuantKernel;
import io.kvscale.quant.kernel.QuantKernels;
import io.kvscale.quant.kernel.QuantSpec;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Rates of {@link QuantizedKvCache} over tensors in memory, larger than a core's own caches. */
final class CacheRates {
    /** Number of distinct tensors; the layers use them in turn. */
    private static final int TENSORS = 8;

    private final CaptureShape shape;
    private final Geometry geometry;
    private final List<ByteBuffer> values = new ArrayList<>();

    private CacheRates(CaptureShape shape) {
        this.shape = shape;
        this.geometry = new Geometry(Dtype.BF16, shape.heads(), shape.headDim());
        for (int i = 0; i < TENSORS; i++) {
            values.add(ByteBuffer.wrap(shape.randomTensor(i)));
        }
    }

    /**
     * GB/s of bf16 input on one thread by name: {@code observe} collects ranges of K and V of every layer; {@code update}
     * also quantizes them to fp8, holds and dequantizes them; {@code update_bound} copies as many bytes as {@code update}
     * holds and returns, and does nothing else; {@code update_kernels} folds, quantizes and dequantizes into as many bytes with one
     * given scale, and does nothing else.
     */
    static Map<String, Object> measure(CaptureShape shape, double seconds) throws Exception {
        CacheRates rates = new CacheRates(shape);
        QuantizedKvCache observed = new QuantizedKvCache(QuantizationScheme.fp8());
        QuantizedKvCache updated = new QuantizedKvCache(QuantizationScheme.fp8());
        ToDoubleFunction<String> rate = new Rounds(shape.fileBytes(), seconds)
                .medians(Map.of(
                        "observe",
                        () -> rates.observe(observed),
                        "update",
                        () -> rates.update(updated),
                        "bound",
                        rates::copy,
                        "kernels",
                        rates::kernels));
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("observe_gbps", rate.applyAsDouble("observe"));
        figures.put("update_gbps", rate.applyAsDouble("update"));
        figures.put("update_bound_gbps", rate.applyAsDouble("bound"));
        figures.put("update_kernels_gbps", rate.applyAsDouble("kernels"));
        return figures;
    }

    private int observe(QuantizedKvCache cache) {
        Position start = new Position(new KvSource("", 0, null, geometry, 1, shape.tokens(), false, null), 0);
        for (int layer = 0; layer < shape.layers(); layer++) {
            cache.observe(new Slot(layer, Role.KEY), start, values(2 * layer));
            cache.observe(new Slot(layer, Role.VALUE), start, values(2 * layer + 1));
        }
        return cache.statistics().size();
    }

    private int update(QuantizedKvCache cache) {
        cache.resetStates();
        int tokens = 0;
        for (int layer = 0; layer < shape.layers(); layer++) {
            KvTensor key = new KvTensor(geometry, 1, shape.tokens(), values(2 * layer));
            KvTensor value = new KvTensor(geometry, 1, shape.tokens(), values(2 * layer + 1));
            tokens += cache.update(key, value, layer).key().tokens();
        }
        return tokens;
    }

    /** One byte held and two returned for each value of two bytes, all in new arrays. */
    private int copy() {
        List<byte[]> held = new ArrayList<>();
        int returned = 0;
        for (int tensor = 0; tensor < 2 * shape.layers(); tensor++) {
            byte[] bf16 = values(tensor).array();
            held.add(Arrays.copyOf(bf16, bf16.length / 2));
            returned += Arrays.copyOf(bf16, bf16.length)[tensor];
        }
        return held.size() + returned;
    }

    private int kernels() {
        float[] scale = new float[shape.headDim()];
        Arrays.fill(scale, 0.0123f);
        QuantKernel quantizer = QuantKernels.of(
                new QuantSpec(NumberFormat.FP8_E4M3, Dtype.BF16, Dtype.F32, scale, new float[shape.headDim()]));
        short[] min = new short[shape.headDim()];
        short[] max = new short[shape.headDim()];
        int rows = shape.heads() * shape.tokens();
        List<byte[]> held = new ArrayList<>();
        int returned = 0;
        for (int tensor = 0; tensor < 2 * shape.layers(); tensor++) {
            ByteBuffer bf16 = values(tensor);
            MinMaxKernel.OF_THIS_JVM.fold16(bf16, 0, shape.headDim(), rows, min, max, 0);
            byte[] codes = new byte[bf16.capacity() / 2];
            byte[] dequantized = new byte[bf16.capacity()];
            quantizer.fakeQuantize(bf16, 0, rows, codes, 0, ByteBuffer.wrap(dequantized), 0);
            held.add(codes);
            returned += dequantized[tensor];
        }
        return held.size() + returned;
    }

    private ByteBuffer values(int tensor) {
        return values.get(tensor % TENSORS).duplicate();
    }
}
