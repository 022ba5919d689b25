package io.kvscale.job.recipe;

import io.kvscale.text.TextOptions;
import java.io.Serializable;

/**
 * How texts are chosen and run through the model.
 *
 * @param samples the number of samples to choose; 0 for all
 * @param maxSeqLength the maximum number of tokens in a sequence; 0 for the model's limit
 * @param shuffle true to choose samples by a hash of their content, false to take the first ones by name
 * @param concatenate whether texts are packed into sequences of {@code maxSeqLength}
 * @param windows true to cut longer texts into several sequences, false to truncate them
 * @param maxBadRecords how many unreadable records may be left out
 * @param modelFile the name of the ONNX file in the model folder
 * @param fakeQuantizeFeedback whether later chunks of a text attend to fake-quantized K and V
 * @param residualLength with feedback, the number of newest tokens that stay unquantized
 * @param chunkTokens the maximum number of tokens in one run of the model
 * @param maxFailedSamples how many samples on which the model fails may be left out
 * @param perStratum the number of samples to choose of each {@link io.kvscale.text.Strata#sample stratum}, instead of
 *     {@code samples}
 */
public record TextSettings(
        TextOptions options,
        int samples,
        int maxSeqLength,
        boolean shuffle,
        long seed,
        boolean concatenate,
        boolean windows,
        long maxBadRecords,
        String modelFile,
        boolean fakeQuantizeFeedback,
        int residualLength,
        int chunkTokens,
        long maxFailedSamples,
        StratumQuota perStratum)
        implements Serializable {
    /** These settings for a run that keeps no statistics. */
    public TextSettings withoutStatistics() {
        return new TextSettings(
                options.withoutStatistics(),
                samples,
                maxSeqLength,
                shuffle,
                seed,
                concatenate,
                windows,
                maxBadRecords,
                modelFile,
                fakeQuantizeFeedback,
                residualLength,
                chunkTokens,
                maxFailedSamples,
                perStratum);
    }

    public static final TextSettings DEFAULT = new TextSettings(
            TextOptions.DEFAULT, 0, 0, true, 42, false, false, 0, "model.onnx", false, 0, 512, 0, StratumQuota.NONE);
}
