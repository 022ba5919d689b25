package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PowerTableTest {
    @ParameterizedTest
    @ValueSource(doubles = {0.1, 1, 1.5, 2, 2.4, 3, 7.3, 16})
    void powersAreThoseOfTheLibraryWithinTheirBounds(double norm) {
        Random random = new Random(1);
        float largest = 37.5f;
        PowerTable table = new PowerTable(norm, largest);
        for (int i = 0; i < 50_000; i++) {
            double e = Math.scalb(1 + random.nextDouble(), -random.nextInt(40));
            double exact = Math.pow(e, norm);
            assertThat(table.precise(e)).isBetween(exact * (1 - 1e-12), exact * (1 + 1e-12));
            float wide = (float) (e * largest) * (i % 2 == 0 ? 1 : -1);
            double quick = Math.pow(Math.abs((double) wide) / 32, norm);
            assertThat(table.of(wide))
                    .isBetween(quick * (1 - table.bound() - 1e-12), quick * (1 + table.bound() + 1e-12));
        }
        assertThat(table.precise(0)).isZero();
        assertThat(table.of(0f)).isZero();
    }
}
