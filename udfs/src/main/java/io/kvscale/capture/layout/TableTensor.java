package io.kvscale.capture.layout;

import io.kvscale.observer.Corpus;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import java.util.List;

/**
 * The tensor that a row of a table is.
 *
 * @param name as a file of the same K and V would name it
 * @param shape as a file would state it
 */
public record TableTensor(Slot slot, KvSource source, String name, List<Long> shape) {
    /** Adds what was read: the same as a file that holds this tensor adds, but for the file itself. */
    public Corpus countedIn(Corpus corpus) {
        String sample = source.sample() == null ? "" : source.sample();
        return corpus.withTensor(sample, name, source.geometry().dtype().name(), shape);
    }
}
