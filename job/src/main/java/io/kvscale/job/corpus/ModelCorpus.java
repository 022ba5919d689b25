package io.kvscale.job.corpus;

import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.model.ShippedModel;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextEncoder;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A model that was checked, and the texts that it runs over, as batches of its tokens.
 *
 * @param batches each a {@link io.kvscale.text.TokenBatch} by {@link JavaSerde}
 */
public record ModelCorpus(ShippedModel model, ModelShape shape, TextCorpus corpus, JavaRDD<byte[]> batches)
        implements AutoCloseable {

    /** Whether what is to be done with a model fits it. */
    public interface Check {
        /** @throws InvalidDataException if it does not */
        void fits(ModelShape model);
    }

    /**
     * Checks the model, then reads and tokenizes the texts, in Spark jobs of their own.
     *
     * @param folder of the model, see {@link ShippedModel#of}
     * @param check comes before any text is read
     * @param partitions how many tasks to aim at; 0: enough for every core
     * @param attempts how often Spark runs a task before it gives up
     * @param progress shows how many texts are read
     * @throws InvalidDataException if the model or a text is not as it should be
     */
    public static ModelCorpus open(
            JavaSparkContext spark,
            String folder,
            TextInput texts,
            TextSettings settings,
            Check check,
            int partitions,
            int attempts,
            Progress progress) {
        ShippedModel model = of(folder, () -> ShippedModel.of(spark, folder, settings.modelFile()));
        ModelShape shape = of(folder, () -> checked(model, settings));
        check.fits(shape);
        TextCorpus corpus = TextCorpus.read(
                spark,
                texts,
                settings,
                model,
                shape.vocabulary(),
                shape.maxPositions(),
                partitions,
                attempts,
                progress);
        return new ModelCorpus(model, shape, corpus, corpus.batches(partitions));
    }

    /** What is wrong with the tokenizer should be said here once, not by every task. */
    private static ModelShape checked(ShippedModel model, TextSettings settings) {
        ModelShape shape = model.manifest().shape();
        TextEncoder.open(model.local(), settings.options(), shape.vocabulary()).close();
        return shape;
    }

    private static <T> T of(String folder, Supplier<T> model) {
        try {
            return model.get();
        } catch (InvalidDataException e) {
            String file = e.problem().file();
            String where = DataProblem.MODEL + folder + (file == null ? "" : ", file " + file);
            throw new InvalidDataException(e.problem().inFile(where), e);
        }
    }

    @Override
    public void close() {
        corpus.close();
        DecoderModel.releaseShared();
    }
}
