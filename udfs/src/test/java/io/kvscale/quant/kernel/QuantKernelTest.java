package io.kvscale.quant.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.ChildJvm;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vector kernel equals the scalar kernel bit by bit. */
class QuantKernelTest {
    /** The tests of this class, for JVMs with narrower vectors. */
    public static void main(String[] args) {
        QuantKernelTest test = new QuantKernelTest();
        kinds().forEach(test::everyPatternEqualsTheScalarKernel);
        kinds().forEach(test::anyShapeEqualsTheScalarKernel);
        test.oneScaleEqualsTheScalarKernel();
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.observer.kernel.VectorWidthTest#narrowerWidths")
    void narrowerVectorsPassTheTests(List<String> flags) throws Exception {
        ChildJvm.run(ChildJvm.of(QuantKernelTest.class, flags));
    }

    static Stream<Kind> kinds() {
        List<Kind> kinds = new ArrayList<>();
        for (NumberFormat format : new NumberFormat[] {NumberFormat.FP8_E4M3, NumberFormat.INT8}) {
            kinds.add(new Kind(format, Dtype.BF16, Dtype.F32));
            kinds.add(new Kind(format, Dtype.BF16, Dtype.BF16));
            kinds.add(new Kind(format, Dtype.F32, Dtype.F32));
        }
        return kinds.stream();
    }

    /** All BF16 patterns except NaN, also as F32, with one scale and one zero point at a time. */
    @ParameterizedTest
    @MethodSource("kinds")
    void everyPatternEqualsTheScalarKernel(Kind kind) {
        float[] scales = {1f, 0x1p-7f, 0.0345f, 0.007843138f, 3.3e-4f, 1e-38f, 1e-40f, 7.5f, 0.1f, 2e30f};
        float[] zeroPoints = {0f, -0f, 1f, -128f, 127f, 0.40625f, -448f, 3.5f};
        int[] patterns = IntStream.range(0, 1 << 16)
                .filter(bits -> !Float.isNaN(Dtype.BF16.toFloat(bits)))
                .toArray();
        ByteBuffer values = kind.values(patterns);
        for (float scale : scales) {
            for (float zeroPoint : zeroPoints) {
                QuantSpec spec = kind.spec(new float[] {scale}, new float[] {zeroPoint});
                check(spec, values, 0, patterns.length);
            }
        }
    }

    /** Random values near ties of the format, random widths, rows and offsets, one scale per column. */
    @ParameterizedTest
    @MethodSource("kinds")
    void anyShapeEqualsTheScalarKernel(Kind kind) {
        Random random = new Random(11);
        for (int i = 0; i < 400; i++) {
            int width = 1 + random.nextInt(i % 4 == 0 ? 1500 : 140);
            int rows = random.nextInt(40);
            float[] scale = new float[width];
            float[] zeroPoint = new float[width];
            for (int c = 0; c < width; c++) {
                scale[c] = kind.step().round((float) Math.exp(random.nextGaussian() * 3));
                zeroPoint[c] = random.nextInt(3) == 0 ? 0 : kind.format().round(100 * (float) random.nextGaussian());
            }
            int offset = random.nextInt(9);
            int size = offset + width * rows * kind.dtype().bytes();
            ByteBuffer values = random.nextBoolean() ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
            values.order(ByteOrder.LITTLE_ENDIAN);
            for (int v = 0; v < width * rows; v++) {
                float tie = kind.format().decode(random.nextInt(126))
                        + kind.format().decode(random.nextInt(126));
                float x = (random.nextBoolean() ? tie / 2 : tie * random.nextFloat()) * scale[v % width];
                kind.put(values, offset, v, kind.dtype().fromFloat(random.nextBoolean() ? x : -x));
            }
            check(kind.spec(scale, zeroPoint), values, offset, rows);
        }
    }

    /** Scales of all magnitudes, scales from maxima, and scales with products in the middle of two BF16 numbers. */
    @Test
    void oneScaleEqualsTheScalarKernel() {
        Kind kind = new Kind(NumberFormat.FP8_E4M3, Dtype.BF16, Dtype.F32);
        Random random = new Random(5);
        ByteBuffer values = kind.values(IntStream.range(0, 1 << 16)
                .filter(bits -> !Float.isNaN(Dtype.BF16.toFloat(bits)))
                .toArray());
        int count = values.capacity() / Short.BYTES;
        int fast = 0;
        for (int i = 0; i < 80; i++) {
            float any = 1 + random.nextFloat();
            float few = Dtype.BF16.round(Math.scalb(any, i % 8));
            float scale = i < 44 ? Math.scalb(any, 2 * i - 66) : i < 64 ? few / 448 : few;
            QuantSpec spec = kind.spec(new float[] {scale}, new float[] {0});
            fast += OneScaleLanes.fit(spec) ? 1 : 0;
            check(spec, values, 0, count);
            // Parts of vectors and of chunks, from any byte on.
            check(spec, values, random.nextInt(50), random.nextInt(1500));
        }
        assertThat(fast).isBetween(50, 79);
    }

    private static void check(QuantSpec spec, ByteBuffer values, int offset, int rows) {
        QuantKernel vector = QuantKernels.of(spec);
        if (OneScaleLanes.fit(spec)) {
            assertThat(vector).isInstanceOf(OneScaleKernel.class);
        } else if (VectorQuantKernel.isPaired(spec) || QuantLanes.isSupported()) {
            assertThat(vector).isInstanceOf(VectorQuantKernel.class);
        }
        int count = rows * spec.width();
        byte[] expected = new byte[count + 5];
        byte[] codes = new byte[count + 5];
        new ScalarQuantKernel(spec).quantize(values, offset, rows, expected, 3);
        vector.quantize(values, offset, rows, codes, 3);
        assertThat(codes).as("codes, %s", spec).isEqualTo(expected);
        ByteBuffer expectedBack =
                ByteBuffer.allocate(offset + count * spec.dtype().bytes() + 2);
        ByteBuffer back = ByteBuffer.allocate(expectedBack.capacity());
        new ScalarQuantKernel(spec).dequantize(expected, 3, rows, expectedBack, offset);
        vector.dequantize(codes, 3, rows, back, offset);
        assertThat(back.array()).as("values, %s", spec).isEqualTo(expectedBack.array());

        byte[] both = new byte[count + 5];
        ByteBuffer result =
                offset % 2 == 0 ? ByteBuffer.allocate(back.capacity()) : ByteBuffer.allocateDirect(back.capacity());
        vector.fakeQuantize(values, offset, rows, both, 3, result, offset);
        assertThat(both).as("codes, %s", spec).isEqualTo(expected);
        byte[] results = new byte[back.capacity()];
        result.get(0, results);
        assertThat(results).as("values, %s", spec).isEqualTo(expectedBack.array());
    }

    record Kind(NumberFormat format, Dtype dtype, Dtype step) {
        /** Scales and zero points are numbers of the step's type. */
        QuantSpec spec(float[] scale, float[] zeroPoint) {
            for (int c = 0; c < scale.length; c++) {
                scale[c] = step.round(scale[c]);
                zeroPoint[c] = step.round(zeroPoint[c]);
            }
            return new QuantSpec(format, dtype, step, scale, zeroPoint);
        }

        /** The numbers of BF16 patterns as values of the type. */
        ByteBuffer values(int[] patterns) {
            ByteBuffer values =
                    ByteBuffer.allocateDirect(patterns.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < patterns.length; i++) {
                put(values, 0, i, dtype.fromFloat(Dtype.BF16.toFloat(patterns[i])));
            }
            return values;
        }

        void put(ByteBuffer values, int offset, int i, int bits) {
            if (dtype == Dtype.F32) {
                values.putInt(offset + 4 * i, bits);
            } else {
                values.putShort(offset + 2 * i, (short) bits);
            }
        }
    }
}
