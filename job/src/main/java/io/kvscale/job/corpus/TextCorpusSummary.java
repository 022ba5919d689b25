package io.kvscale.job.corpus;

import io.kvscale.job.spark.Work;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a corpus of text comes to.
 *
 * @param records all that were read, bad ones too
 * @param bad of which nothing could be made
 * @param samples chosen
 * @param cut how many of those are longer than what is taken of them
 * @param sequences into which they are put
 * @param batches in which those go through the model
 * @param tokens of all sequences, without padding
 * @param longest the most tokens of a sequence
 */
public record TextCorpusSummary(
        long records, long bad, int samples, int cut, int sequences, int batches, long tokens, int longest) {
    /** What a model has to do that runs over it. */
    public Work work() {
        return new Work.Tokens(tokens, sequences);
    }

    /** As label and text. */
    public Map<String, String> shown() {
        Map<String, String> shown = new LinkedHashMap<>();
        shown.put("records", records + (bad > 0 ? ", of which " + bad + " bad" : ""));
        shown.put("samples", samples + (cut > 0 ? ", of which " + cut + " cut" : ""));
        shown.put("sequences", String.valueOf(sequences));
        shown.put("batches", String.valueOf(batches));
        shown.put("tokens", String.valueOf(tokens));
        return shown;
    }
}
