package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
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

/** Quantizes and dequantizes 1 MiB of values: operations per millisecond times 1.05 are GB/s of values. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class QuantKernelBenchmark {
    private static final int BYTES = 1 << 20;
    private static final int WIDTH = 128;

    @Param({"vector", "scalar"})
    public String kernel = "";

    @Param({"FP8_E4M3", "INT8"})
    public NumberFormat format = NumberFormat.INT8;

    @Param({"BF16", "F32"})
    public Dtype dtype = Dtype.F32;

    @Param({"F32"})
    public Dtype step = Dtype.F32;

    private final ByteBuffer values = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final byte[] codes = new byte[BYTES / 2];
    private QuantKernel quantizer;
    private int rows;

    @Setup
    public void setUp() {
        float[] scale = new float[WIDTH];
        Arrays.fill(scale, step.round(0.01f));
        QuantSpec spec = new QuantSpec(format, dtype, step, scale, new float[WIDTH]);
        quantizer = kernel.equals("vector") ? QuantKernels.of(spec) : new ScalarQuantKernel(spec);
        rows = BYTES / dtype.bytes() / WIDTH;
        Random random = new Random(1);
        for (int i = 0; i < BYTES / dtype.bytes(); i++) {
            int bits = dtype.fromFloat((float) random.nextGaussian());
            if (dtype == Dtype.F32) {
                values.putInt(4 * i, bits);
            } else {
                values.putShort(2 * i, (short) bits);
            }
        }
        quantizer.quantize(values, 0, rows, codes, 0);
    }

    @Benchmark
    public byte[] quantize() {
        quantizer.quantize(values, 0, rows, codes, 0);
        return codes;
    }

    @Benchmark
    public ByteBuffer dequantize() {
        quantizer.dequantize(codes, 0, rows, values, 0);
        return values;
    }
}
