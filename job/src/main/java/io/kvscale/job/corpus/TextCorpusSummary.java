package io.kvscale.job.corpus;

import io.kvscale.job.spark.Work;
import java.util.LinkedHashMap;
import java.util.Map;

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
 */
public record TextCorpusSummary(
        long records, long bad, int samples, int cut, int sequences, int batches, long tokens, int longest) {
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
        return shown;
    }
}
