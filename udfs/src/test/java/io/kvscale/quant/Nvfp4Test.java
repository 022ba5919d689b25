package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.tensor.InvalidDataException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The arithmetic of NVFP4, group by group. */
class Nvfp4Test {
    private static final int CASES = 4_000;

    static Stream<Arguments> conventionsAndDtypes() {
        return Stream.of(GlobalScale.values())
                .flatMap(convention -> Stream.of(Dtype.values()).map(dtype -> Arguments.of(convention, dtype)));
    }

    @ParameterizedTest
    @MethodSource("conventionsAndDtypes")
    void everyValueEqualsTheNaiveReference(GlobalScale convention, Dtype dtype) {
        Random random = new Random(convention.ordinal() * 3L + dtype.ordinal());
        int roundingMattered = 0;
        for (int i = 0; i < CASES; i++) {
            float[] group = group(random, dtype);
            float global = Math.scalb(0.5f + random.nextFloat(), random.nextInt(40) - 20);
            float[] expected = NaiveNvfp4.fakeQuantized(group, convention, global, dtype);
            byte[] out = new Nvfp4(convention, global, dtype).fakeQuantize(bytes(group, dtype));
            assertThat(out).as("%s with %s", Arrays.toString(group), global).isEqualTo(bytes(expected, dtype));
            float[] exactly = {group[0]};
            float[] rounded = {group[0]};
            roundingMattered += NaiveNvfp4.local(exactly, convention, global, Dtype.F32)
                            != NaiveNvfp4.local(rounded, convention, global, dtype)
                    ? 1
                    : 0;
        }
        assertThat(roundingMattered > 0).isEqualTo(dtype != Dtype.F32);
    }

    /** Values of all magnitudes, with zeros of both signs and outliers. */
    private static float[] group(Random random, Dtype dtype) {
        float[] group = new float[16];
        int size = random.nextInt(24) - 12;
        for (int i = 0; i < group.length; i++) {
            float x = (float)
                    Math.scalb(random.nextGaussian(), size + (random.nextInt(9) == 0 ? random.nextInt(9) - 4 : 0));
            group[i] = dtype.round(random.nextInt(12) == 0 ? Math.copySign(0f, x) : x);
        }
        return group;
    }

    @ParameterizedTest
    @MethodSource("conventionsAndDtypes")
    void aGroupWithoutALocalScaleBecomesPositiveZeros(GlobalScale convention, Dtype dtype) {
        // A sixth of 2^-9, the least positive number of e4m3, rounds to 0.
        float[] small = new float[32];
        for (int i = 0; i < 16; i++) {
            small[i] = i % 2 == 0 ? -0f : 0f;
            small[16 + i] = i % 2 == 0 ? -0x1p-9f : 0x1p-9f;
        }
        assertThat(new Nvfp4(convention, 1f, dtype).fakeQuantize(bytes(small, dtype)))
                .isEqualTo(bytes(new float[32], dtype));
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void valuesBeyondTheCalibratedRangeSaturate(GlobalScale convention) {
        for (Dtype dtype : Dtype.values()) {
            float global = Nvfp4.globalScale(new Range(-42f, 1f), convention);
            float[] large = new float[16];
            large[0] = 1000f;
            large[1] = -50_000f;
            large[2] = 20f;
            float[] out = floats(new Nvfp4(convention, global, dtype).fakeQuantize(bytes(large, dtype)), dtype);
            // The local scales of absmax/448 reach 6 times as far.
            float most = convention == GlobalScale.ABSMAX_448 ? 252f : 42f;
            assertThat(out[0]).isEqualTo(most);
            assertThat(out[1]).isEqualTo(-most);
            assertThat(convention.headroom()).isEqualTo(most / 42f);
            assertThat(out[2]).isEqualTo(21f);
        }
    }

    @Test
    void smallNegativesKeepTheirSignAndNegativeZeroDoesNot() {
        float[] group = new float[16];
        group[0] = 6f;
        group[1] = -0.1f;
        group[2] = -0f;
        byte[] out = new Nvfp4(GlobalScale.DIVISOR, 448f, Dtype.F32).fakeQuantize(bytes(group, Dtype.F32));
        float[] expected = new float[16];
        expected[0] = 6f;
        expected[1] = -0f;
        assertThat(out).isEqualTo(bytes(expected, Dtype.F32));
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0.5, 2688, 3.72023810e-4, 0.00223214286",
        "0, 3, 896, 0.00111607141, 0.00669642857",
        // 1/7 is rounded before it is multiplied.
        "-7, 7, 384, 0.00260416674, 0.015625",
        "0, 3.4028235e38, 7.8993203E-36, 1.2659313e35, 7.5955882e35",
        "0, 8e-36, 3.36e38, 2.976e-39, 1.7857143e-38",
    })
    void theGlobalScaleFollowsItsConvention(float min, float max, float divisor, float multiplier, float by448) {
        Range range = new Range(min, max);
        float most = Math.max(-min, max);
        assertThat(Nvfp4.globalScale(range, GlobalScale.DIVISOR))
                .isEqualTo((1f / most) * 2688f)
                .isCloseTo(divisor, org.assertj.core.data.Percentage.withPercentage(1e-4));
        assertThat(Nvfp4.globalScale(range, GlobalScale.MULTIPLIER))
                .isEqualTo(most / 2688f)
                .isCloseTo(multiplier, org.assertj.core.data.Percentage.withPercentage(0.1));
        assertThat(Nvfp4.globalScale(range, GlobalScale.ABSMAX_448))
                .isEqualTo(by448)
                .isEqualTo(QuantParameters.ofRange(min, max, NumberFormat.FP8_E4M3, true, Dtype.F32)
                        .scale());
    }

    @Test
    void aGroupUnderAbsmax448ByHand() {
        // Absmax 8 gives g = 8/448 = 1/56. Local: 8/6 * 56 = 74.67, and e4m3 has 72 and 80 there. Factor: 72/56.
        float[] group = new float[16];
        group[0] = 8f;
        group[1] = -3f;
        group[2] = 0.5f;
        float global = Nvfp4.globalScale(new Range(-3f, 8f), GlobalScale.ABSMAX_448);
        Nvfp4 nvfp4 = new Nvfp4(GlobalScale.ABSMAX_448, global, Dtype.F32);
        byte[] codes = new byte[16];
        byte[] locals = new byte[1];
        nvfp4.quantize(ByteBuffer.wrap(bytes(group, Dtype.F32)), 0, 16, codes, locals, 0);
        // e4m3 72 = 1.125 * 2^6; fp4 6, -2 and 0.5
        assertThat(locals).containsExactly(0x69);
        assertThat(Arrays.copyOf(codes, 4)).containsExactly(7, 12, 1, 0);
        float[] out = floats(nvfp4.fakeQuantize(bytes(group, Dtype.F32)), Dtype.F32);
        assertThat(out[0])
                .isEqualTo(6 * (72 * global))
                .isCloseTo(7.714286f, org.assertj.core.data.Offset.offset(1e-6f));
        assertThat(out[1]).isEqualTo(-2 * (72 * global));
        assertThat(out[2]).isEqualTo(0.5f * (72 * global));
    }

    @Test
    void theLocalScalesOfAbsmax448FitIntoFp8WhenMultiplied() {
        Random random = new Random(11);
        for (int i = 0; i < CASES; i++) {
            float[] group = group(random, Dtype.BF16);
            float most = 0;
            for (float x : group) {
                most = Math.max(most, Math.abs(x));
            }
            float global = Nvfp4.globalScale(new Range(-most, most), GlobalScale.ABSMAX_448);
            assertThat(6 * NaiveNvfp4.local(group, GlobalScale.ABSMAX_448, global, Dtype.BF16))
                    .isLessThanOrEqualTo(480);
        }
    }

    @Test
    void theReciprocalIsRoundedBeforeItIsMultiplied() {
        Random random = new Random(5);
        int differ = 0;
        for (int i = 0; i < 1000; i++) {
            float most = random.nextFloat() * 100;
            float global = Nvfp4.globalScale(new Range(-most, 0), GlobalScale.DIVISOR);
            assertThat(global).isEqualTo((1f / most) * 2688f);
            differ += global == 2688f / most ? 0 : 1;
        }
        assertThat(differ).isPositive();
    }

    @ParameterizedTest
    @CsvSource({
        "DIVISOR, 0, 0, the range is 0, allow_zero",
        "MULTIPLIER, -0.0, 0, the range is 0, allow_zero",
        "DIVISOR, -1.4e-45, 0, 2688/absmax is Infinity, captured",
        "DIVISOR, 0, 7.8e-36, 2688/absmax is Infinity, captured",
        "ABSMAX_448, 0, -0.0, the range is 0, allow_zero",
        "ABSMAX_448, 0, 1.4e-45, absmax/448 is 0.0, captured",
        "MULTIPLIER, 0, 1.4e-45, absmax/2688 is 0.0, captured",
        "MULTIPLIER, -1e-42, 1e-43, absmax/2688 is 0.0, captured",
    })
    void aRangeWithoutAGlobalScaleIsRefused(GlobalScale convention, float min, float max, String what, String remedy) {
        assertThatThrownBy(() -> Nvfp4.globalScale(new Range(min, max), convention))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(what, remedy);
    }

    private static byte[] bytes(float[] values, Dtype dtype) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            if (dtype == Dtype.F32) {
                bytes.putFloat(x);
            } else {
                bytes.putShort((short) dtype.fromFloat(x));
            }
        }
        return bytes.array();
    }

    private static float[] floats(byte[] bytes, Dtype dtype) {
        ByteBuffer little = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[bytes.length / dtype.bytes()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = dtype == Dtype.F32 ? little.getFloat() : dtype.toFloat(little.getShort() & 0xffff);
        }
        return floats;
    }
}
