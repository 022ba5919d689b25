package io.kvscale.job.corpus.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.tensor.DataProblem;
import io.kvscale.text.Strata;
import java.util.List;
import org.junit.jupiter.api.Test;

class EncodedRowTest {
    private static final EncodedRow.Good GOOD = new EncodedRow.Good(
            new TextSample("é/1", ContentHash.of(1, "x"), 7, new Strata("d\0é", "é")),
            new int[] {1, Integer.MAX_VALUE, 3});

    @Test
    void rowsAreReadBackFromTheirBytes() {
        EncodedRow read = EncodedRow.fromByteArray(GOOD.toByteArray());
        assertThat(((EncodedRow.Good) read).sample()).isEqualTo(GOOD.sample());
        assertThat(((EncodedRow.Good) read).ids()).isEqualTo(GOOD.ids());
        assertThat(EncodedRow.sampleOf(GOOD.toByteArray())).isEqualTo(GOOD.sample());
        EncodedRow.Bad bad = new EncodedRow.Bad("o", DataProblem.of("a", "b"));
        assertThat(EncodedRow.fromByteArray(bad.toByteArray())).isEqualTo(bad);
        assertThat(EncodedRow.sampleOf(bad.toByteArray())).isNull();
        byte[] samples = EncodedRow.samplesToBytes(List.of(GOOD.toByteArray(), bad.toByteArray(), GOOD.toByteArray())
                .iterator());
        assertThat(EncodedRow.samplesFromBytes(samples)).containsExactly(GOOD.sample(), GOOD.sample());
    }

    @Test
    void theContentHashIsSha256OfSeedZeroByteAndText() {
        assertThat(ContentHash.of(42, "a").toString())
                .isEqualTo("d837af07139c224444229fc42c4e46723e8c4e2ce8a10c01ea4b4889d12c4416");
    }
}
