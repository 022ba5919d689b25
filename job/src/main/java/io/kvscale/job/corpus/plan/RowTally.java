package io.kvscale.job.corpus.plan;

import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import java.util.Comparator;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Counts of {@link EncodedRow}s. The merge is commutative and associative.
 *
 * @param first the first bad record in sample order; null if there is none
 * @param failure the first file that cannot be read, or tokenizer that cannot be opened; null if there is none
 */
public record RowTally(
        long good,
        long bad,
        EncodedRow.@Nullable Bad first,
        @Nullable DataProblem failure) implements Serializable {
    public static final RowTally NONE = new RowTally(0, 0, null, null);

    private static final Comparator<EncodedRow.Bad> ORDER =
            Comparator.comparing(EncodedRow.Bad::order, TextSample.BY_NAME).thenComparing(EncodedRow.Bad::problem);

    public static RowTally of(Iterator<byte[]> rows) {
        RowTally tally = NONE;
        while (rows.hasNext()) {
            byte[] row = rows.next();
            if (EncodedRow.sampleOf(row) != null) {
                tally = new RowTally(tally.good + 1, tally.bad, tally.first, tally.failure);
            } else {
                EncodedRow read = EncodedRow.fromByteArray(row);
                tally = tally.merge(
                        read instanceof EncodedRow.Bad bad
                                ? new RowTally(0, 1, bad, null)
                                : new RowTally(0, 0, null, ((EncodedRow.Failed) read).problem()));
            }
        }
        return tally;
    }

    public RowTally merge(RowTally other) {
        return new RowTally(
                good + other.good,
                bad + other.bad,
                least(first, other.first, ORDER),
                least(failure, other.failure, Comparator.naturalOrder()));
    }

    private static <T> @Nullable T least(@Nullable T a, @Nullable T b, Comparator<T> order) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return order.compare(a, b) <= 0 ? a : b;
    }
}
