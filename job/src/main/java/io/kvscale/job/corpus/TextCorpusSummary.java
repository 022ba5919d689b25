package io.kvscale.job.corpus;

import io.kvscale.job.corpus.plan.StratumCounts;
import io.kvscale.job.spark.Work;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;

/**
 * The size of a text corpus.
 *
 * @param records number of records read, including bad ones
 * @param bad number of records that could not be parsed or rendered
 * @param samples number of texts chosen
 * @param cut number of chosen texts that are truncated
 * @param sequences number of sequences made of the samples
 * @param batches number of batches
 * @param tokens total number of tokens, without padding
 * @param longest tokens of the longest sequence
 * @param sampled number of texts chosen by {@link io.kvscale.text.Strata#sample}; empty without strata
 * @param observed number of texts chosen by {@link io.kvscale.text.Strata#statistics}; empty without strata
 */
public record TextCorpusSummary(
        long records,
        long bad,
        int samples,
        int cut,
        int sequences,
        int batches,
        long tokens,
        int longest,
        SortedMap<String, Long> sampled,
        SortedMap<String, Long> observed) {
    /** The work of a model that runs on the corpus. */
    public Work work() {
        return new Work.Tokens(tokens, sequences);
    }

    /** Labels and values for display. */
    public Map<String, String> shown() {
        Map<String, String> shown = new LinkedHashMap<>();
        shown.put("records", records + (bad > 0 ? ", of which " + bad + " bad" : ""));
        shown.put("samples", samples + (cut > 0 ? ", of which " + cut + " truncated" : ""));
        shown.put("sequences", String.valueOf(sequences));
        shown.put("batches", String.valueOf(batches));
        shown.put("tokens", String.valueOf(tokens));
        if (!sampled.isEmpty()) {
            shown.put("strata", new StratumCounts(sampled).shown());
        }
        if (!observed.isEmpty()) {
            shown.put("statistics", new StratumCounts(observed).shown());
        }
        return shown;
    }
}
