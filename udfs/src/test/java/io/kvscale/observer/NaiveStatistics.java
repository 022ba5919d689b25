package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The statistics of a slot, computed from decoded values with plain loops. Shares no code with the main classes. */
final class NaiveStatistics {
    private static final Comparator<Sample> SAMPLES = Comparator.nullsFirst(Comparator.<Sample>naturalOrder());

    private final SeededCorpus corpus;
    private final float[] min;
    private final float[] max;
    private final List<Batch> batches = new ArrayList<>();
    private final NaiveCounts counts;
    private long finite;
    private long nan;
    private long infinite;
    private long tokens;
    private long samples;
    private float least = Float.POSITIVE_INFINITY;
    private float greatest = Float.NEGATIVE_INFINITY;
    private @Nullable Sample minSample;
    private @Nullable Sample maxSample;
    private @Nullable Origin first;
    private @Nullable Origin firstNonFinite;

    private record Batch(KvSource source, float[] min, float[] max) {}

    NaiveStatistics(SeededCorpus corpus) {
        this.corpus = corpus;
        this.counts = new NaiveCounts(corpus.geometry);
        this.min = filled(Float.POSITIVE_INFINITY);
        this.max = filled(Float.NEGATIVE_INFINITY);
        for (SeededCorpus.Tensor tensor : corpus.tensors) {
            Batch batch = new Batch(tensor.source(), filled(Float.POSITIVE_INFINITY), filled(Float.NEGATIVE_INFINITY));
            for (int i = 0; i < tensor.source().size(); i++) {
                value(tensor, i, batch);
            }
            samples += tensor.source().batch();
            if (count(batch) > 0) {
                batches.add(batch);
            }
        }
        batches.sort(Comparator.comparing((Batch b) -> b.source().file(), Sample::compareUtf8)
                .thenComparing(b -> b.source().offset()));
    }

    private float[] filled(float with) {
        float[] channels = new float[corpus.geometry.channels()];
        Arrays.fill(channels, with);
        return channels;
    }

    private static int count(Batch batch) {
        int count = 0;
        for (int c = 0; c < batch.min.length; c++) {
            count += batch.min[c] <= batch.max[c] ? 1 : 0;
        }
        return count;
    }

    private void value(SeededCorpus.Tensor tensor, int i, Batch batch) {
        KvSource source = tensor.source();
        int heads = corpus.geometry.heads();
        int headDim = corpus.geometry.headDim();
        int rowSize = source.tokens() * heads * headDim;
        int row = i / rowSize;
        int inRow = i % rowSize;
        int head = source.tokenMajor() ? inRow / headDim % heads : inRow / (source.tokens() * headDim);
        int token = source.tokenMajor() ? inRow / (heads * headDim) : inRow / headDim % source.tokens();
        String name = source.sample();
        Origin origin = new Origin(
                name == null ? null : new Sample(name, source.batch() == 1 ? Sample.WHOLE : row), source.file());
        first = first(first, origin);
        TokenMask mask = source.mask();
        if (mask != null && !mask.real().get(row * source.tokens() + token)) {
            return;
        }
        int channel = head * headDim + inRow % headDim;
        tokens += channel == 0 ? 1 : 0;
        float x = corpus.geometry.dtype().toFloat(tensor.bits(i));
        if (Float.isNaN(x) || Float.isInfinite(x)) {
            nan += Float.isNaN(x) ? 1 : 0;
            infinite += Float.isInfinite(x) ? 1 : 0;
            firstNonFinite = first(firstNonFinite, origin);
            return;
        }
        finite++;
        counts.count(head, x);
        for (float[][] range : new float[][][] {{min, max}, {batch.min, batch.max}}) {
            range[0][channel] = Float.compare(x, range[0][channel]) < 0 ? x : range[0][channel];
            range[1][channel] = Float.compare(x, range[1][channel]) > 0 ? x : range[1][channel];
        }
        int low = Float.compare(x, least);
        if (low < 0 || (low == 0 && SAMPLES.compare(origin.sample(), minSample) < 0)) {
            least = x;
            minSample = origin.sample();
        }
        int high = Float.compare(x, greatest);
        if (high > 0 || (high == 0 && SAMPLES.compare(origin.sample(), maxSample) < 0)) {
            greatest = x;
            maxSample = origin.sample();
        }
    }

    private static Origin first(@Nullable Origin a, Origin b) {
        return a == null || b.compareTo(a) < 0 ? b : a;
    }

    void check(SlotStatistics statistics) {
        assertThat(statistics.finite()).isEqualTo(finite);
        assertThat(statistics.nan()).isEqualTo(nan);
        assertThat(statistics.infinite()).isEqualTo(infinite);
        assertThat(statistics.tokens()).isEqualTo(tokens);
        assertThat(statistics.samples()).isEqualTo(samples);
        assertThat(statistics.isEmpty()).isEqualTo(finite == 0);
        assertThat(bits(statistics.min())).isEqualTo(bits(least));
        assertThat(bits(statistics.max())).isEqualTo(bits(greatest));
        assertThat(statistics.minSample()).isEqualTo(minSample);
        assertThat(statistics.maxSample()).isEqualTo(maxSample);
        assertThat(statistics.firstOrigin()).isEqualTo(first);
        assertThat(statistics.firstNonFiniteOrigin()).isEqualTo(firstNonFinite);
        for (int perScale : new int[] {1, corpus.geometry.headDim(), corpus.geometry.channels()}) {
            checkRanges(statistics.ranges(perScale), min, max, perScale);
        }
        if (statistics.hasHistograms()) {
            counts.check(statistics);
        }
        BatchPolicy policy = statistics.batchPolicy();
        List<Range[]> kept = new ArrayList<>();
        statistics.batches().forEach(kept::add);
        if (policy == null) {
            assertThat(kept).isEmpty();
            return;
        }
        List<Batch> expected =
                policy.lastOnly() && !batches.isEmpty() ? batches.subList(batches.size() - 1, batches.size()) : batches;
        assertThat(kept).hasSameSizeAs(expected);
        for (int i = 0; i < kept.size(); i++) {
            checkRanges(kept.get(i), expected.get(i).min, expected.get(i).max, policy.channelsPerScale());
        }
    }

    private static void checkRanges(Range[] ranges, float[] min, float[] max, int perScale) {
        assertThat(ranges).hasSize(min.length / perScale);
        for (int i = 0; i < ranges.length; i++) {
            float lo = Float.POSITIVE_INFINITY;
            float hi = Float.NEGATIVE_INFINITY;
            for (int c = i * perScale; c < (i + 1) * perScale; c++) {
                lo = Float.compare(min[c], lo) < 0 ? min[c] : lo;
                hi = Float.compare(max[c], hi) > 0 ? max[c] : hi;
            }
            assertThat(bits(ranges[i].min())).isEqualTo(bits(lo));
            assertThat(bits(ranges[i].max())).isEqualTo(bits(hi));
        }
    }

    private static int bits(float x) {
        return Float.floatToRawIntBits(x);
    }
}
