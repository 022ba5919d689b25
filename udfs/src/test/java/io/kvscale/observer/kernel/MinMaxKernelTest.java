package io.kvscale.observer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.ChildJvm;
import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kernel against a plain loop over the values with {@link Dtype#orderKey}. */
class MinMaxKernelTest {
    private static final int GUARD = 3;

    /** The tests of the vector kernel, for JVMs with narrower vectors. */
    public static void main(String[] args) {
        MinMaxKernel vector = new VectorMinMaxKernel();
        MinMaxKernelTest test = new MinMaxKernelTest();
        test.anyShapeAtAnyOffsetEqualsAPlainLoop(vector);
        test.every16BitPatternEqualsAPlainLoop(vector);
        test.extremesOf32BitsEqualAPlainLoop(vector);
        test.bytesBeyondTheLimitAreNotRead(vector);
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.observer.kernel.VectorWidthTest#narrowerWidths")
    void narrowerVectorsPassTheTests(List<String> flags) throws Exception {
        ChildJvm.run(ChildJvm.of(MinMaxKernelTest.class, flags));
    }

    static Stream<MinMaxKernel> kernels() {
        return Stream.of(new ScalarMinMaxKernel(), new VectorMinMaxKernel());
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void anyShapeAtAnyOffsetEqualsAPlainLoop(MinMaxKernel kernel) {
        Random random = new Random(7);
        int[] widths = {
            1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 48, 64, 65, 80, 96, 127, 128, 129, 160, 192, 576, 1024, 9001
        };
        int[] rows = {0, 1, 2, 3, 7, 8, 31, 60, 61};
        for (int width : widths) {
            for (int count : rows) {
                check16(kernel, random, width, count);
                check32(kernel, random, width, count);
            }
        }
        for (int i = 0; i < 500; i++) {
            check16(kernel, random, 1 + random.nextInt(300), random.nextInt(150));
            check32(kernel, random, 1 + random.nextInt(300), random.nextInt(150));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void every16BitPatternEqualsAPlainLoop(MinMaxKernel kernel) {
        for (int width : new int[] {1, 64, 256}) {
            ByteBuffer data = ByteBuffer.allocateDirect(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
            for (int bits = 0; bits < 1 << 16; bits++) {
                data.putShort(2 * bits, (short) bits);
            }
            // Each pattern alone, then all of them: a wrong order of keys shows in one of the two.
            for (int bits = 0; bits < 1 << 16; bits += width) {
                assert16(kernel, data, 2 * bits, width, 1);
            }
            assert16(kernel, data, 0, width, (1 << 16) / width);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void extremesOf32BitsEqualAPlainLoop(MinMaxKernel kernel) {
        int[] edges = {
            0,
            0x80000000,
            1,
            0x80000001,
            0x7f7fffff,
            0xff7fffff,
            0x7f800000,
            0xff800000,
            0x7f800001,
            0xff800001,
            0x7fc00000,
            0xffc00000,
            0x7fffffff,
            0xffffffff,
            0x3f800000,
            0xbf800000
        };
        ByteBuffer data =
                ByteBuffer.allocateDirect(4 * edges.length * edges.length * 16).order(ByteOrder.LITTLE_ENDIAN);
        // One column for each pair of edges (a, b), with the rows a, b, a.
        int width = edges.length * edges.length;
        for (int c = 0; c < width; c++) {
            for (int row = 0; row < 3; row++) {
                data.putInt(4 * (row * width + c), edges[row == 1 ? c / edges.length : c % edges.length]);
            }
        }
        assert32(kernel, data, 0, width, 3);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void bytesBeyondTheLimitAreNotRead(MinMaxKernel kernel) {
        ByteBuffer data = ByteBuffer.allocateDirect(4096).limit(1024);
        short[] keys = new short[128];
        assertThatThrownBy(() -> kernel.fold16(data, 0, 128, 5, keys, keys.clone(), 0))
                .isInstanceOf(RuntimeException.class);
    }

    private static void check16(MinMaxKernel kernel, Random random, int width, int rows) {
        ByteBuffer data = data(random, 2 * width * rows);
        assert16(kernel, data, random.nextInt(data.capacity() - 2 * width * rows + 1), width, rows);
    }

    private static void check32(MinMaxKernel kernel, Random random, int width, int rows) {
        ByteBuffer data = data(random, 4 * width * rows);
        assert32(kernel, data, random.nextInt(data.capacity() - 4 * width * rows + 1), width, rows);
    }

    /** A heap or direct buffer of either byte order, with an arbitrary position and spare bytes. */
    private static ByteBuffer data(Random random, int bytes) {
        int size = bytes + random.nextInt(70);
        ByteBuffer data = random.nextBoolean() ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
        byte[] content = new byte[size];
        random.nextBytes(content);
        data.put(content).position(random.nextInt(size + 1));
        return random.nextBoolean() ? data.order(ByteOrder.LITTLE_ENDIAN) : data;
    }

    private static void assert16(MinMaxKernel kernel, ByteBuffer data, int offset, int width, int rows) {
        short[] min = new short[width + 2 * GUARD];
        short[] max = min.clone();
        Arrays.fill(min, (short) 12_000);
        Arrays.fill(max, (short) -12_000);
        short[] expectedMin = min.clone();
        short[] expectedMax = max.clone();
        ByteBuffer little = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < width * rows; i++) {
            int key = Dtype.F16.orderKey(little.getShort(offset + 2 * i));
            int column = GUARD + i % width;
            expectedMin[column] = (short) Math.min(expectedMin[column], key);
            expectedMax[column] = (short) Math.max(expectedMax[column], key);
        }
        kernel.fold16(data, offset, width, rows, min, max, GUARD);
        assertThat(min).as("min, width %d, rows %d", width, rows).isEqualTo(expectedMin);
        assertThat(max).as("max, width %d, rows %d", width, rows).isEqualTo(expectedMax);
    }

    private static void assert32(MinMaxKernel kernel, ByteBuffer data, int offset, int width, int rows) {
        int[] min = new int[width + 2 * GUARD];
        int[] max = min.clone();
        Arrays.fill(min, 1_000_000_000);
        Arrays.fill(max, -1_000_000_000);
        int[] expectedMin = min.clone();
        int[] expectedMax = max.clone();
        ByteBuffer little = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < width * rows; i++) {
            int key = Dtype.F32.orderKey(little.getInt(offset + 4 * i));
            int column = GUARD + i % width;
            expectedMin[column] = Math.min(expectedMin[column], key);
            expectedMax[column] = Math.max(expectedMax[column], key);
        }
        kernel.fold32(data, offset, width, rows, min, max, GUARD);
        assertThat(min).as("min, width %d, rows %d", width, rows).isEqualTo(expectedMin);
        assertThat(max).as("max, width %d, rows %d", width, rows).isEqualTo(expectedMax);
    }
}
