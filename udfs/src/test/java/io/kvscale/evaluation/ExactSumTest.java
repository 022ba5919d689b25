package io.kvscale.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExactSumTest {
    @Test
    void theSumIsTheNearestDoubleWhateverTheOrder() {
        assertThat(sum(List.of(1e300, 1.0, -1e300))).isEqualTo(1);
        assertThat(sum(List.of(1.0, 0x1p-53, 0x1p-1074))).isEqualTo(1 + 0x1p-52);
        assertThat(sum(List.of(1.0, 0x1p-53))).isEqualTo(1);
        assertThat(sum(List.of())).isZero();
        Random random = new Random(18);
        List<Double> numbers = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            numbers.add(Math.scalb(random.nextGaussian(), random.nextInt(200) - 100));
        }
        double once = sum(numbers);
        for (int round = 0; round < 20; round++) {
            Collections.shuffle(numbers, random);
            ExactSum first = exact(numbers.subList(0, 17 * round));
            assertThat(exact(numbers.subList(17 * round, 500)).plus(first).value())
                    .isEqualTo(once);
        }
    }

    private static double sum(List<Double> numbers) {
        return exact(numbers).value();
    }

    private static ExactSum exact(List<Double> numbers) {
        return numbers.stream().map(ExactSum::of).reduce(ExactSum.ZERO, ExactSum::plus);
    }
}
