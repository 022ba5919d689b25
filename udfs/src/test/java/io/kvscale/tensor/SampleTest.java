package io.kvscale.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SampleTest {
    @Test
    void namesSortAsTheirUtf8Bytes() {
        // The last of the basic plane sorts behind every surrogate as a char, but before it as bytes.
        int[] points = {0, 'a', 'b', 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff, 0x1f600};
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            String a = text(random, points);
            String b = random.nextInt(3) == 0 ? a + text(random, points) : text(random, points);
            int bytes = Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
            assertThat(Integer.signum(Sample.compareUtf8(a, b)))
                    .as("%s and %s", a, b)
                    .isEqualTo(Integer.signum(bytes));
        }
    }

    @Test
    void rowsSortAsNumbersBehindTheName() {
        List<Sample> sorted = List.of(
                new Sample("a", Sample.WHOLE),
                new Sample("a", 0),
                new Sample("a", 2),
                new Sample("a", 10),
                new Sample("a#1", Sample.WHOLE),
                new Sample("b", 0),
                new Sample("\uffff", 0),
                new Sample("\ud83d\ude00", 0));
        List<Sample> shuffled = new ArrayList<>(sorted);
        Collections.shuffle(shuffled, new Random(1));
        Collections.sort(shuffled);
        assertThat(shuffled).isEqualTo(sorted);
        assertThat(new Sample("a", 10)).hasToString("a#10");
        assertThat(new Sample("a", Sample.WHOLE)).hasToString("a");
    }

    @Test
    void aSampleIsReadBackFromItsText() {
        for (Sample sample : List.of(new Sample("a", 0), new Sample("a/b", 12), new Sample("a", Sample.WHOLE))) {
            assertThat(Sample.named(sample.toString())).isEqualTo(sample);
        }
        for (String text : List.of("a#", "#x", "a#01", "a#-1", "a#99999999999", "", "a #1 ")) {
            assertThat(Sample.named(text)).isEqualTo(new Sample(text, Sample.WHOLE));
        }
        assertThat(Sample.named("a#1#2")).isEqualTo(new Sample("a#1", 2));
    }

    @Test
    void originsSortBySampleThenFile() {
        Origin none = new Origin(null, "z");
        Origin first = new Origin(new Sample("a", 0), "y");
        Origin second = new Origin(new Sample("a", 0), "z");
        assertThat(List.of(none, first, second)).isSorted();
        assertThat(Origin.earlier(second, first)).isSameAs(first);
        assertThat(Origin.earlier(null, second)).isSameAs(second);
        assertThat(Origin.earlier(second, null)).isSameAs(second);
        assertThat(Origin.earlier(null, null)).isNull();
    }

    private static String text(Random random, int[] points) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(4); i > 0; i--) {
            text.appendCodePoint(points[random.nextInt(points.length)]);
        }
        return text.toString();
    }
}
