package io.kvscale.job.recipe;

import io.kvscale.text.TextOptions;
import java.io.Serializable;

/**
 * How a corpus of text is calibrated on.
 *
 * @param samples how many to choose; 0: all
 * @param maxSeqLength the most tokens of a sequence; 0: the model's limit
 * @param shuffle whether samples are chosen by content hash; else the first ones by name
 * @param concatenate whether the samples are joined and cut into sequences of {@code maxSeqLength}
 * @param windows whether longer texts are cut into several sequences; else what is beyond the first is left out
 * @param maxBadRecords how many records may be left out because nothing can be made of them
 * @param modelFile the name of the model in its folder
 * @param fakeQuantizeFeedback whether later chunks of a text attend to fake-quantized K and V
 * @param residualLength the newest tokens that stay unquantized there
 * @param chunkTokens the most tokens that go through the model at once
 * @param maxFailedSamples how many samples may be left out because the model fails on them
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
        long maxFailedSamples)
        implements Serializable {
    public static final TextSettings DEFAULT =
            new TextSettings(TextOptions.DEFAULT, 0, 0, true, 42, false, false, 0, "model.onnx", false, 0, 512, 0);
}
