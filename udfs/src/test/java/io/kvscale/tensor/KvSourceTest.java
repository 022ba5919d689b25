package io.kvscale.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KvSourceTest {
    /** A value of a run. */
    private record Seen(long element, int channel) {}

    @Test
    void runsHoldTheRealValuesInOrderForAnyCut() {
        Random random = new Random(11);
        for (int i = 0; i < 2_000; i++) {
            KvSource source = source(random);
            for (int row = 0; row < source.batch(); row++) {
                long begin = row * source.sizeOfRow();
                long from = begin + random.nextInt((int) source.sizeOfRow() + 1);
                long to = from + random.nextInt((int) (begin + source.sizeOfRow() - from) + 1);
                assertThat(runs(source, from, to))
                        .as("%s [%d,%d)", source, from, to)
                        .isEqualTo(naive(source, from, to));
            }
        }
    }

    @Test
    void anUnmaskedTensorGivesOneRunPerHead() {
        Geometry geometry = new Geometry(Dtype.BF16, 3, 8);
        List<String> runs = new ArrayList<>();
        KvSource.Runs log =
                (element, width, rows, channel) -> runs.add(element + "/" + width + "/" + rows + "/" + channel);
        new KvSource("f", 0, null, geometry, 1, 5, false, null).forEachRun(0, 120, log);
        assertThat(runs).containsExactly("0/8/5/0", "40/8/5/8", "80/8/5/16");
        runs.clear();
        new KvSource("f", 0, null, geometry, 1, 5, true, null).forEachRun(0, 120, log);
        assertThat(runs).containsExactly("0/24/5/0");
    }

    @Test
    void countsFollowTheMask() {
        BitSet real = new BitSet();
        real.set(1, 4);
        KvSource source =
                new KvSource("f", 0, "s", new Geometry(Dtype.F32, 2, 4), 2, 3, false, new TokenMask(2, 3, real));
        assertThat(source.realTokens()).isEqualTo(3);
        assertThat(source.size()).isEqualTo(48);
        assertThat(source.origin(1)).isEqualTo(new Origin(new Sample("s", 1), "f"));
        KvSource alone = new KvSource("f", 0, "s", source.geometry(), 1, 3, false, null);
        assertThat(alone.realTokens()).isEqualTo(3);
        assertThat(alone.origin(0)).isEqualTo(new Origin(new Sample("s", Sample.WHOLE), "f"));
    }

    @Test
    void indicesBeyond32BitsAreExact() {
        KvSource source = new KvSource("f", 0, null, new Geometry(Dtype.BF16, 1 << 7, 1 << 10), 3, 1 << 17, true, null);
        long from = 2 * source.sizeOfRow() + (5L << 20) + 7;
        assertThat(runs(source, from, from + 2)).containsExactly(new Seen(from, 7), new Seen(from + 1, 8));
    }

    private static KvSource source(Random random) {
        int batch = 1 + random.nextInt(3);
        int tokens = 1 + random.nextInt(7);
        Geometry geometry = new Geometry(Dtype.F16, 1 + random.nextInt(4), 1 + random.nextInt(5));
        return new KvSource("f", 0, null, geometry, batch, tokens, random.nextBoolean(), mask(random, batch, tokens));
    }

    private static @Nullable TokenMask mask(Random random, int batch, int tokens) {
        if (random.nextInt(4) == 0) {
            return null;
        }
        BitSet real = new BitSet();
        int odds = random.nextInt(5);
        for (int i = 0; i < batch * tokens; i++) {
            real.set(i, random.nextInt(4) < odds);
        }
        return new TokenMask(batch, tokens, real);
    }

    private static List<Seen> runs(KvSource source, long from, long to) {
        List<Seen> seen = new ArrayList<>();
        source.forEachRun(from, to, (element, width, rows, channel) -> {
            assertThat(width).isPositive();
            assertThat(rows).isPositive();
            for (int i = 0; i < rows * width; i++) {
                seen.add(new Seen(element + i, channel + i % width));
            }
        });
        return seen;
    }

    private static List<Seen> naive(KvSource source, long from, long to) {
        List<Seen> seen = new ArrayList<>();
        int heads = source.geometry().heads();
        int headDim = source.geometry().headDim();
        TokenMask mask = source.mask();
        long element = 0;
        for (int b = 0; b < source.batch(); b++) {
            for (int i = 0; i < (source.tokenMajor() ? source.tokens() : heads); i++) {
                for (int j = 0; j < (source.tokenMajor() ? heads : source.tokens()); j++) {
                    int token = source.tokenMajor() ? i : j;
                    int head = source.tokenMajor() ? j : i;
                    for (int d = 0; d < headDim; d++, element++) {
                        boolean real = mask == null || mask.real().get(b * source.tokens() + token);
                        if (real && element >= from && element < to) {
                            seen.add(new Seen(element, head * headDim + d));
                        }
                    }
                }
            }
        }
        return seen;
    }
}
