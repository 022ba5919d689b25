package io.kvscale.capture.layout;

import io.kvscale.observer.Corpus;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import java.util.List;

/**
 * The tensor of a table row.
 *
 * @param name the tensor's name in a safetensors file with this K or V
 * @param shape the tensor's shape in such a file
 */
public record TableTensor(Slot slot, KvSource source, String name, List<Long> shape) {
    /** Counts this tensor as if it came from a file, without counting a file. */
    public Corpus countedIn(Corpus corpus) {
        String sample = source.sample() == null ? "" : source.sample();
        return corpus.withTensor(sample, name, source.geometry().dtype().name(), shape);
    }
}
