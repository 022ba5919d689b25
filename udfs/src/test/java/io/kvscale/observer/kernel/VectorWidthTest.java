package io.kvscale.observer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

public class VectorWidthTest {
    @Test
    void theWidestVectorsAreUsedUnlessAWidthIsForced() {
        assertThat(VectorWidth.shape(null).vectorBitSize()).isEqualTo(VectorWidth.cpuBits());
        assertThat(VectorWidth.shape("128").vectorBitSize()).isEqualTo(128);
    }

    @Test
    void otherWidthsAreErrors() {
        for (String forced : new String[] {"1024", "64", "wide", ""}) {
            assertThatThrownBy(() -> VectorWidth.shape(forced))
                    .hasMessage("kvscale.vector.bits must be 128, 256 or 512 and at most " + VectorWidth.cpuBits()
                            + " on this CPU, got " + forced);
        }
    }

    /** JVM flags for each width of this CPU below its widest: NEON's, and AVX2 with its instructions. */
    public static Stream<List<String>> narrowerWidths() {
        List<String> neon = List.of("--add-modules=jdk.incubator.vector", "-D" + VectorWidth.PROPERTY + "=128");
        List<String> avx2 = List.of("--add-modules=jdk.incubator.vector", "-XX:UseAVX=2");
        return Stream.of(neon, avx2).limit(VectorWidth.cpuBits() / 256);
    }
}
