package io.kvscale.quant.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OneScaleLanesTest {
    /** Significands of scales that are tested. With 1, all of them, the test passes in 2 s of C2's code. */
    private static final int STEP = 13;

    /** Powers of two change neither quotients nor sides, so one octave of values and one of scales stand for all. */
    @Test
    void quotientsLieOnTheSameSideOfEveryNumberAndMiddle() {
        for (int significand = 0; significand < 1 << 23; significand += STEP) {
            check(Float.intBitsToFloat(0x3f800000 | significand));
        }
    }

    @Test
    void quotientsByScalesFromMaximaLieOnTheSameSideOfEveryNumberAndMiddle() {
        for (int maximum = 128; maximum < 256; maximum++) {
            float scale = maximum / 448f;
            check(scale);
            check(Math.nextUp(scale));
            check(Math.nextDown(scale));
        }
    }

    private static void check(float scale) {
        OneScaleLanes lanes = OneScaleLanes.of(scale);
        for (int value = 128; value < 256; value++) {
            float expected = value / scale;
            float quotient = lanes.quotient(value);
            if (quotient != expected && side(quotient) != side(expected)) {
                assertThat(quotient).as("%s / %s", value, scale).isEqualTo(expected);
            }
        }
    }

    /** Sixteenths of a power of two are all e4m3 numbers and all middles of two. Even on such a number, odd above it. */
    private static int side(float quotient) {
        int bits = Float.floatToRawIntBits(quotient);
        return (bits >>> 19) * 2 + ((bits & 0x7ffff) == 0 ? 0 : 1);
    }
}
