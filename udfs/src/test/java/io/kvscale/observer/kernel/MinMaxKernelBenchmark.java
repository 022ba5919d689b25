package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;
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
 * Min/max over 1 MB of a direct buffer. One operation per millisecond is 1.05 GB/s. At width 128 the vector kernel must be
 * ten times as fast as the scalar one; twice or less means that the JIT allocates vector objects.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MinMaxKernelBenchmark {
    private static final int BYTES = 1 << 20;

    @Param({"vector", "scalar"})
    public String kernel = "";

    @Param({"16", "64", "80", "128", "192", "1024"})
    public int width;

    private final ByteBuffer data = ByteBuffer.allocateDirect(BYTES + 64).alignedSlice(64);
    private MinMaxKernel chosen;
    private short[] min16;
    private short[] max16;
    private int[] min32;
    private int[] max32;

    @Setup
    public void setUp() {
        byte[] content = new byte[BYTES];
        new Random(1).nextBytes(content);
        data.put(0, content);
        chosen = new KernelChoice(kernel, "").choose(VectorMinMaxKernel::new, ScalarMinMaxKernel::new);
        min16 = new short[width];
        max16 = new short[width];
        min32 = new int[width];
        max32 = new int[width];
    }

    @Benchmark
    public short[] fold16() {
        chosen.fold16(data, 0, width, BYTES / 2 / width, min16, max16, 0);
        return min16;
    }

    @Benchmark
    public int[] fold32() {
        chosen.fold32(data, 0, width, BYTES / 4 / width, min32, max32, 0);
        return min32;
    }

    /** Runs of 60 rows, as a mask leaves them. */
    @Benchmark
    public short[] fold16ShortRuns() {
        int run = 60 * 2 * width;
        for (int offset = 0; offset + run <= BYTES; offset += run) {
            chosen.fold16(data, offset, width, 60, min16, max16, 0);
        }
        return min16;
    }
}
