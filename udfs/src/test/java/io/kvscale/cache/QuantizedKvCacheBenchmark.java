package io.kvscale.cache;

import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The speed of {@code observe} and {@code update} on one layer, {@code [1, 8, 1024, 128]} in bf16: two MiB of values per
 * operation, so that operations per millisecond are about half of GB/s.
 *
 * <p>{@code sameJvm}: whether both methods run in the same JVM, which must not make them slower. On JDK 17 the min/max
 * kernel once fell to a tenth of its speed after the quantizing kernels had loaded another shape of short vectors.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 6, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class QuantizedKvCacheBenchmark {
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 8, 128);
    private static final int TOKENS = 1024;

    @Param({"false", "true"})
    public boolean sameJvm;

    private final QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.fp8());
    private final ByteBuffer direct =
            ByteBuffer.allocateDirect(TOKENS * GEOMETRY.channels() * 2).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer heap = ByteBuffer.allocate(direct.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    private KvTensor tensor;
    private Position start;

    @Setup
    public void setUp() {
        Random random = new Random(1);
        for (int i = 0; i < direct.capacity(); i += 2) {
            short bits = (short) Dtype.BF16.fromFloat((float) random.nextGaussian());
            direct.putShort(i, bits);
            heap.putShort(i, bits);
        }
        tensor = new KvTensor(GEOMETRY, 1, TOKENS, heap);
        start = new Position(new KvSource("file", 0, "sample", GEOMETRY, 1, TOKENS, false, null), 0);
        for (int i = 0; sameJvm && i < 1000; i++) {
            observe();
            update();
        }
    }

    /** Observes a chunk, as a task does. */
    @Benchmark
    public void observe() {
        cache.observe(new Slot(0, Role.KEY), start, direct.duplicate());
    }

    /** K and V: four MiB. */
    @Benchmark
    public KvPair update() {
        cache.resetStates();
        return cache.update(tensor, tensor, 1);
    }
}
