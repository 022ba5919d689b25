package io.kvscale.observer.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Geometry;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class RotationScoreTest {
    private static RotationScore score(int heads, int channels, float... values) {
        SlotStatistics seen =
                ChannelData.statistics(new Geometry(Dtype.F32, heads, values.length / heads), values);
        return Objects.requireNonNull(RotationScore.of(seen, channels));
    }

    private static void check(RotationScore score, double halves, double neighbors) {
        assertThat(score.halves()).isCloseTo(halves, within(1e-6));
        assertThat(score.neighbors()).isCloseTo(neighbors, within(1e-6));
    }

    @Test
    void pairsAreHalvesApartOrNeighbors() {
        // Of 8 channels the fast pairs are (0,4) and (1,5), or (0,1) and (2,3).
        float e = (float) Math.E;
        check(score(1, 8, 1, e, 1, 1, 1, -e, 77, 77), 0, 0.5);
        check(score(1, 8, 1, 1, 5, -5, e, e, 77, 0.1f), 1, 0);
    }

    @Test
    void theMedianIsOverHeadsAndFastPairs() {
        float e = (float) Math.E;
        // Halves: 1, 2 and 3, 0. Neighbors: 0, 0 and 4, 0.
        check(
                score(2, 8, 1, 1, 1, 1, e, e * e, 9, 9, 1, e * e * e * e, 1, 1, e * e * e, e * e * e * e, 9, 9),
                1.5,
                0);
    }

    @Test
    void onlyTheRotatedChannelsCount() {
        float e = (float) Math.E;
        // Of the first 4 channels the fast pair is (0,2), or (0,1).
        check(score(1, 4, 1, e, e * e, 1, 50, 60, 70, 80), 2, 1);
    }

    @Test
    void theGreaterSideOfARangeCounts() {
        check(score(1, 4, -4, 1, 4, 1), 0, StrictMath.log(4));
    }

    @Test
    void pairsWithZerosAreLeftOut() {
        float e = (float) Math.E;
        check(score(1, 8, 0, 1, e, 1, 7, e, 1, 1), 1, 1);
        Geometry geometry = new Geometry(Dtype.F32, 1, 8);
        assertThat(RotationScore.of(ChannelData.statistics(geometry, new float[8]), 8))
                .isNull();
        assertThat(RotationScore.of(ChannelData.statistics(geometry, 1, 2, 3, 4, 5, 6, 7, 8), 2))
                .isNull();
    }
}
