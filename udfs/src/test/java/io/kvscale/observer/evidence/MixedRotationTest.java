package io.kvscale.observer.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.observer.evidence.MixedRotation.OfSample;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class MixedRotationTest {
    private static final PairWins TURNED = new PairWins(520, 240);
    private static final PairWins STILL = new PairWins(380, 388);

    private final List<OfSample> samples = new ArrayList<>();

    private void add(int count, PairWins key, PairWins value) {
        for (int i = 0; i < count; i++) {
            samples.add(new OfSample(new Origin(Sample.named("s" + samples.size()), ""), key, value));
        }
    }

    private MixedRotation mixed() {
        return Objects.requireNonNull(MixedRotation.of(samples));
    }

    @Test
    void swappedSamplesAreFoundHoweverMany() {
        for (int swapped = 1; swapped < 12; swapped++) {
            samples.clear();
            add(12 - swapped, TURNED, STILL);
            add(swapped, STILL, TURNED);
            assertThat(mixed().swapped()).isEqualTo(samples.subList(12 - swapped, 12));
            assertThat(mixed().still()).isEmpty();
            assertThat(mixed().samples()).isEqualTo(12);
        }
    }

    @Test
    void samplesBeforeRopeAreFoundHoweverMany() {
        for (int still = 1; still < 12; still++) {
            samples.clear();
            add(12 - still, TURNED, STILL);
            add(still, STILL, STILL);
            assertThat(mixed().still()).isEqualTo(samples.subList(12 - still, 12));
            assertThat(mixed().swapped()).isEmpty();
        }
    }

    @Test
    void thePairingIsTheOneThatShowsMost() {
        add(3, new PairWins(240, 520), STILL);
        add(1, STILL, new PairWins(240, 520));
        assertThat(mixed().pairing()).isEqualTo(Pairing.NEIGHBORS);
        assertThat(mixed().swapped()).hasSize(1);
    }

    @Test
    void samplesThatAreAllAlikeShowNothing() {
        add(12, TURNED, STILL);
        assertThat(MixedRotation.of(samples)).isNull();
        samples.clear();
        add(12, STILL, TURNED);
        assertThat(MixedRotation.of(samples)).isNull();
        samples.clear();
        add(12, STILL, STILL);
        assertThat(MixedRotation.of(samples)).isNull();
    }

    @Test
    void fewPairsAndUnclearSamplesShowNothing() {
        add(11, TURNED, STILL);
        add(1, new PairWins(30, 30), new PairWins(40, 20));
        add(1, new PairWins(450, 318), STILL);
        add(1, PairWins.NONE, PairWins.NONE);
        assertThat(MixedRotation.of(samples)).isNull();
    }

    @Test
    void theMoreEqualPairsAreCounted() {
        // Of 8 channels the pairs (0,4) and (1,5) are compared with (0,1) and (2,3).
        assertThat(PairWins.of(new float[] {1, 2, 3, 3, 1, 5, 9, 9}, 8, 8)).isEqualTo(new PairWins(1, 1));
        assertThat(PairWins.of(new float[] {0, 2, 3, 3, 1, 5, 9, 9}, 8, 8)).isEqualTo(new PairWins(0, 1));
        assertThat(PairWins.of(new float[] {2, 2, 2, 2, 2, 2, 2, 2}, 8, 8)).isEqualTo(PairWins.NONE);
    }
}
