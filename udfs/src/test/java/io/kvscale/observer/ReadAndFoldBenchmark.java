package io.kvscale.observer;

import io.kvscale.observer.kernel.MinMaxKernel;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The pass over a corpus without its bookkeeping: a page-cached file of 1 GB, only read, and read and folded in place.
 * One operation per second is 1.07 GB/s. The ratio of the two benchmarks matters.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class ReadAndFoldBenchmark {
    private static final int PAGE = 4096;

    @Param({"256", "512", "1024", "2048"})
    public int blockKb;

    @Param({"128"})
    public int width;

    private final MinMaxKernel kernel = MinMaxKernel.OF_THIS_JVM;
    private Path file;
    private ByteBuffer direct;
    private ByteBuffer heap;
    private short[] min;
    private short[] max;

    @Setup
    public void setUp() throws IOException {
        file = Files.createTempFile("read-and-fold", ".bin");
        byte[] content = new byte[1 << 20];
        new Random(1).nextBytes(content);
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int i = 0; i < 1024; i++) {
                out.write(content);
            }
        }
        direct = ByteBuffer.allocateDirect((blockKb << 10) + PAGE).alignedSlice(PAGE);
        heap = ByteBuffer.allocate(blockKb << 10);
        min = new short[width];
        max = new short[width];
    }

    @TearDown
    public void tearDown() throws IOException {
        Files.delete(file);
    }

    @Benchmark
    public int readDirect() throws IOException {
        return pass(direct, false);
    }

    @Benchmark
    public int readHeap() throws IOException {
        return pass(heap, false);
    }

    @Benchmark
    public int readDirectAndFold() throws IOException {
        return pass(direct, true);
    }

    private int pass(ByteBuffer block, boolean fold) throws IOException {
        int blocks = 0;
        try (FileChannel channel = FileChannel.open(file)) {
            while (channel.read(block.clear()) > 0) {
                blocks++;
                if (fold) {
                    kernel.fold16(block, 0, width, block.position() / 2 / width, min, max, 0);
                }
            }
        }
        return blocks;
    }
}
