package io.kvscale.job.corpus.plan;

import io.kvscale.tensor.DataProblem;
import io.kvscale.text.Strata;
import java.io.Serializable;
import java.util.Comparator;
import java.util.Iterator;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Counts of {@link EncodedRow}s. The merge is commutative and associative.
 *
 * @param first the first bad record in sample order; null if there is none
 * @param failure the first file that cannot be read, or tokenizer that cannot be opened; null if there is none
 * @param sampled the good rows by {@link Strata#sample}
 * @param observed the good rows by {@link Strata#statistics}
 */
public record RowTally(
        long good,
        long bad,
        EncodedRow.@Nullable Bad first,
        @Nullable DataProblem failure,
        StratumCounts sampled,
        StratumCounts observed)
        implements Serializable {
    public static final RowTally NONE = of(0, null, null);

    private static final Comparator<EncodedRow.Bad> ORDER =
            Comparator.comparing(EncodedRow.Bad::order, TextSample.BY_NAME).thenComparing(EncodedRow.Bad::problem);

    private static RowTally of(long bad, EncodedRow.@Nullable Bad first, @Nullable DataProblem failure) {
        return new RowTally(0, bad, first, failure, StratumCounts.NONE, StratumCounts.NONE);
    }

    public static RowTally of(Iterator<byte[]> rows) {
        long good = 0;
        TreeMap<String, Long> sampled = new TreeMap<>();
        TreeMap<String, Long> observed = new TreeMap<>();
        RowTally tally = NONE;
        while (rows.hasNext()) {
            byte[] row = rows.next();
            TextSample sample = EncodedRow.sampleOf(row);
            if (sample != null) {
                good++;
                count(sample.strata().sample(), sampled);
                count(sample.strata().statistics(), observed);
            } else {
                EncodedRow read = EncodedRow.fromByteArray(row);
                tally = tally.merge(
                        read instanceof EncodedRow.Bad bad
                                ? of(1, bad, null)
                                : of(0, null, ((EncodedRow.Failed) read).problem()));
            }
        }
        return new RowTally(
                good, tally.bad, tally.first, tally.failure, new StratumCounts(sampled), new StratumCounts(observed));
    }

    private static void count(String stratum, TreeMap<String, Long> counts) {
        if (!stratum.isEmpty()) {
            counts.merge(stratum, 1L, Long::sum);
            StratumCounts.bounded(counts);
        }
    }

    public RowTally merge(RowTally other) {
        return new RowTally(
                good + other.good,
                bad + other.bad,
                least(first, other.first, ORDER),
                least(failure, other.failure, Comparator.naturalOrder()),
                sampled.merge(other.sampled),
                observed.merge(other.observed));
    }

    private static <T> @Nullable T least(@Nullable T a, @Nullable T b, Comparator<T> order) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return order.compare(a, b) <= 0 ? a : b;
    }
}
