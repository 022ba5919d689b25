package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.Test;

class CorpusCountTest {
    /** Sums of a thousand hashes carry through all words, and beyond 2^256. */
    @Test
    void countsAddUpToTheSumOfHashes() {
        CorpusCount count = new CorpusCount();
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < 1_000; i++) {
            String sample = "sample-\u00e9-" + i;
            count.tensor(sample, "layers.0.keys", "BF16", List.of(1L, (long) i));
            count.file();
            String text = Stream.of(sample, "layers.0.keys", "BF16", "[1, " + i + "]")
                    .map(part -> part.getBytes(StandardCharsets.UTF_8).length + ":" + part)
                    .collect(Collectors.joining());
            sum = sum.add(new BigInteger(1, DigestUtils.sha256(text)));
            assertThat(count.total().fingerprint()).isEqualTo(sum.mod(BigInteger.ONE.shiftLeft(256)));
        }
        assertThat(count.total().files()).isEqualTo(1_000);
    }
}
