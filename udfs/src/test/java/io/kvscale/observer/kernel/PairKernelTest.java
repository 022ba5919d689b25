package io.kvscale.observer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.ChildJvm;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.RotaryPairs;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kernel against a loop with exact decimals. */
class PairKernelTest {
    /** The tests of the vector kernel, for JVMs with narrower vectors. */
    public static void main(String[] args) {
        PairKernel vector = new VectorPairKernel();
        PairKernelTest test = new PairKernelTest();
        test.anyShapeAtAnyOffsetEqualsExactArithmetic(vector);
        test.growingNormsAreFoundHoweverLittleTheyGrow(vector);
        test.anyPatternsEqualExactArithmetic(vector);
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.observer.kernel.VectorWidthTest#narrowerWidths")
    void narrowerVectorsPassTheTests(List<String> flags) throws Exception {
        ChildJvm.run(ChildJvm.of(PairKernelTest.class, flags));
    }

    static Stream<PairKernel> kernels() {
        return Stream.of(new ScalarPairKernel(), new VectorPairKernel());
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void anyShapeAtAnyOffsetEqualsExactArithmetic(PairKernel kernel) {
        Random random = new Random(3);
        for (Dtype dtype : Dtype.values()) {
            for (int round = 0; round < 60; round++) {
                int count = 1 + random.nextInt(40);
                int headDim = 2 * count + random.nextInt(3) * 8;
                RotaryPairs pairs = new RotaryPairs(random.nextBoolean(), 2 * count);
                check(
                        kernel,
                        dtype,
                        random,
                        1 + random.nextInt(3),
                        headDim,
                        random.nextInt(40),
                        pairs,
                        () -> dtype.fromFloat((float) random.nextGaussian()));
            }
        }
    }

    /** The bound of the vector kernel lies just below the maximum: a greater norm must never be missed. */
    @ParameterizedTest
    @MethodSource("kernels")
    void growingNormsAreFoundHoweverLittleTheyGrow(PairKernel kernel) {
        Random random = new Random(4);
        for (Dtype dtype : Dtype.values()) {
            for (float size : new float[] {1e-30f, 1e-6f, 1, 200, 1e18f, 3e38f}) {
                int[] last = {dtype.fromFloat(Math.min(size, dtype.toFloat(dtype.infinityKey() - 200)))};
                for (boolean neighbors : new boolean[] {false, true}) {
                    // Most values are the same or one unit in the last place above the one before.
                    check(
                            kernel,
                            dtype,
                            random,
                            1,
                            128,
                            60,
                            new RotaryPairs(neighbors, 128),
                            () -> random.nextInt(200) == 0 ? ++last[0] : last[0] - random.nextInt(2));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void anyPatternsEqualExactArithmetic(PairKernel kernel) {
        Random random = new Random(5);
        for (Dtype dtype : Dtype.values()) {
            int mask = dtype == Dtype.F32 ? -1 : 0xffff;
            for (int round = 0; round < 20; round++) {
                // NaN, infinities and subnormal numbers among them; and pairs of zeros with few other values.
                int zeros = round % 2 == 0 ? 0 : 95;
                check(
                        kernel,
                        dtype,
                        random,
                        2,
                        64,
                        30,
                        new RotaryPairs(round % 4 < 2, 64),
                        () -> random.nextInt(100) < zeros
                                ? random.nextInt(2) << (8 * dtype.bytes() - 1)
                                : random.nextInt() & mask);
            }
        }
    }

    @Test
    void sumsAreRoundedUp() {
        assertThat(ScalarPairKernel.square(3, 4)).isEqualTo(25);
        // 2^60 + 2^-60 is not an f64.
        assertThat(ScalarPairKernel.square(0x1p30f, 0x1p-30f)).isEqualTo(Math.nextUp(0x1p60));
        assertThat(ScalarPairKernel.square(-0x1p-30f, 0x1p30f)).isEqualTo(Math.nextUp(0x1p60));
        assertThat(ScalarPairKernel.square(Float.MIN_VALUE, 0)).isEqualTo(0x1p-298);
        assertThat(ScalarPairKernel.square(Float.MAX_VALUE, Float.MAX_VALUE)).isLessThan(0x1p257);
        assertThat(ScalarPairKernel.square(Float.NaN, -2)).isEqualTo(4);
        assertThat(ScalarPairKernel.square(2, Float.NEGATIVE_INFINITY)).isEqualTo(4);
        assertThat(ScalarPairKernel.square(Float.NaN, Float.POSITIVE_INFINITY)).isZero();
    }

    private static void check(
            PairKernel kernel,
            Dtype dtype,
            Random random,
            int heads,
            int headDim,
            int rows,
            RotaryPairs pairs,
            IntSupplier patterns) {
        int offset = random.nextInt(5);
        int bytes = rows * heads * headDim * dtype.bytes();
        ByteBuffer data =
                random.nextBoolean() ? ByteBuffer.allocate(offset + bytes) : ByteBuffer.allocateDirect(offset + bytes);
        data.order(ByteOrder.LITTLE_ENDIAN);
        double[] expected = new double[3 + heads * pairs.count()];
        for (int i = 0; i < rows * heads * headDim; i++) {
            dtype.put(data, offset + i * dtype.bytes(), patterns.getAsInt());
        }
        for (int head = 0; head < rows * heads; head++) {
            for (int pair = 0; pair < pairs.count(); pair++) {
                int from = offset + head * headDim * dtype.bytes();
                int at = 3 + head % heads * pairs.count() + pair;
                expected[at] = Math.max(
                        expected[at],
                        square(
                                dtype.toFloat(dtype.get(data, from + pairs.first(pair) * dtype.bytes())),
                                dtype.toFloat(dtype.get(data, from + pairs.second(pair) * dtype.bytes()))));
            }
        }
        double[] squares = new double[expected.length];
        // In two calls: the second one starts from the maxima of the first.
        int first = rows / 3;
        int stride = heads * headDim * dtype.bytes();
        kernel.fold(dtype, data.duplicate().position(0), offset, heads, headDim, first, pairs, squares, 3);
        kernel.fold(dtype, data, offset + first * stride, heads, headDim, rows - first, pairs, squares, 3);
        assertThat(squares).as("%s, %s, head_dim %d", dtype, pairs, headDim).isEqualTo(expected);
    }

    /** The least f64 that is not below the exact sum. */
    private static double square(float a, float b) {
        BigDecimal sum = decimal(a).pow(2).add(decimal(b).pow(2));
        double nearest = sum.doubleValue();
        return new BigDecimal(nearest).compareTo(sum) < 0 ? Math.nextUp(nearest) : nearest;
    }

    private static BigDecimal decimal(float x) {
        return Float.isFinite(x) ? new BigDecimal(x) : BigDecimal.ZERO;
    }
}
