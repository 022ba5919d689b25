package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.tensor.Geometry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How often each number occurs in each head, in a plain map. Shares no code with the main classes. */
public final class NaiveCounts {
    private final Geometry geometry;
    private final List<Map<Float, Long>> heads = new ArrayList<>();

    public NaiveCounts(Geometry geometry) {
        this.geometry = geometry;
        for (int head = 0; head < geometry.heads(); head++) {
            heads.add(new HashMap<>());
        }
    }

    /** Counts a value, if it is finite. */
    public void count(int head, float x) {
        if (Float.isFinite(x)) {
            heads.get(head).merge(geometry.dtype() == Dtype.F32 ? brain(x) : x, 1L, Long::sum);
        }
    }

    /** The nearest BF16 value; of two equally near ones, that with an even pattern. */
    public static float brain(float x) {
        int bits = Float.floatToRawIntBits(x);
        float inner = Float.intBitsToFloat(bits & 0xffff0000);
        float outer = Float.intBitsToFloat((bits & 0xffff0000) + 0x10000);
        double toInner = Math.abs((double) x - inner);
        double toOuter = Math.abs((double) outer - x);
        boolean innerIsEven = (bits & 0x10000) == 0;
        return Float.isInfinite(outer) || toInner < toOuter || (toInner == toOuter && innerIsEven) ? inner : outer;
    }

    public void check(SlotStatistics statistics) {
        assertThat(statistics.hasHistograms()).isTrue();
        Map<Float, Long> all = new HashMap<>();
        for (int head = 0; head < heads.size(); head++) {
            check(statistics.histogram(head, 1), heads.get(head));
            heads.get(head).forEach((x, count) -> all.merge(x, count, Long::sum));
        }
        check(statistics.histogram(0, heads.size()), all);
    }

    private void check(@Nullable ValueCounts counts, Map<Float, Long> expected) {
        assertThat(counts).isNotNull();
        assertThat(counts.approximate()).isEqualTo(geometry.dtype() == Dtype.F32);
        Map<Float, Long> found = new HashMap<>();
        for (int i = 0; i < counts.values().length; i++) {
            float x = counts.values()[i];
            assertThat(i == 0 || Float.compare(counts.values()[i - 1], x) < 0).isTrue();
            found.put(x, counts.counts()[i]);
        }
        assertThat(found).isEqualTo(expected);
    }
}
