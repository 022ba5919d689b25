package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;

/** What a task observes of the texts of one stratum. Not thread-safe. */
final class StratumObservation {
    private final QuantizedKvCache cache;
    private Corpus corpus = Corpus.EMPTY;

    /** @param cache empty; holds the statistics */
    StratumObservation(QuantizedKvCache cache) {
        this.cache = cache;
    }

    void observe(SampleTensors sample) {
        sample.observe(cache::observe);
    }

    /** Counts a sample that was observed. */
    void count(Corpus read) {
        corpus = corpus.merge(read);
    }

    CalibrationStatistics statistics() {
        return new CalibrationStatistics(corpus, cache.statistics());
    }
}
