package io.kvscale.observer;

import io.kvscale.tensor.Sample;
import java.util.Comparator;

/** The place of a batch in the corpus: its file, by UTF-8 bytes of the path below the input, then where in the file. */
record BatchKey(String file, long offset) implements Comparable<BatchKey> {
    private static final Comparator<BatchKey> ORDER =
            Comparator.comparing(BatchKey::file, Sample::compareUtf8).thenComparingLong(BatchKey::offset);

    @Override
    public int compareTo(BatchKey other) {
        return ORDER.compare(this, other);
    }
}
