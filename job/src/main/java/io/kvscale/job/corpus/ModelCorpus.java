package io.kvscale.job.corpus;

import io.kvscale.job.corpus.plan.BatchPlan;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.corpus.read.TextModel;
import io.kvscale.job.model.ShippedModel;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextEncoder;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A validated model and the texts that it runs on, as batches of token ids.
 *
 * @param batches each a {@link io.kvscale.text.TokenBatch} by {@link JavaSerde}
 * @param modelSeconds time of the driver for hashing, shipping and checking the model
 * @param readSeconds time of the driver for reading and tokenizing the texts
 */
public record ModelCorpus(
        ShippedModel model,
        ModelShape shape,
        TextCorpus corpus,
        JavaRDD<byte[]> batches,
        double modelSeconds,
        double readSeconds)
        implements AutoCloseable {

    /**
     * Validates the model, then reads and tokenizes the texts in Spark jobs.
     *
     * @param folder of the model, see {@link ShippedModel#of}
     * @param check further validation of the model; runs before any text is read
     * @param partitions target number of tasks; 0: one per core
     * @param attempts how often Spark runs a task before it fails the job
     * @param progress shows the bytes of the model hashed, and the number of texts read
     * @throws InvalidDataException if the model is invalid or a text is bad
     */
    public static ModelCorpus open(
            JavaSparkContext spark,
            String folder,
            TextInput texts,
            TextSettings settings,
            Consumer<ModelShape> check,
            int partitions,
            int attempts,
            Progress progress) {
        long begin = System.nanoTime();
        ShippedModel model = withContext(
                folder,
                () -> ShippedModel.of(spark, folder, settings.modelFile(), new RetryPolicy(attempts), progress));
        ModelShape shape = withContext(folder, () -> validate(model, settings));
        check.accept(shape);
        long checked = System.nanoTime();
        TextCorpus corpus = TextCorpus.read(
                spark,
                model.configuration(),
                texts,
                settings,
                new TextModel(model, shape.vocabulary(), shape.maxPositions()),
                partitions,
                attempts,
                progress);
        JavaRDD<byte[]> batches = corpus.batches(partitions);
        return new ModelCorpus(
                model, shape, corpus, batches, (checked - begin) / 1e9, (System.nanoTime() - checked) / 1e9);
    }

    /**
     * The batches in parts that double the number of sequences: {@link BatchPlan#doubling}. They share the model and the
     * texts, and this corpus closes them.
     *
     * @param chunkTokens the largest number of tokens that the model is fed at once
     */
    public List<ModelCorpus> doubling(int chunkTokens) {
        return corpus.plan().doubling(chunkTokens).stream()
                .map(corpus::with)
                .map(part -> new ModelCorpus(
                        model, shape, part, part.batches(batches.getNumPartitions()), modelSeconds, readSeconds))
                .toList();
    }

    /** Also opens the tokenizer, so that its errors are reported once by the driver and not by every task. */
    private static ModelShape validate(ShippedModel model, TextSettings settings) {
        ModelShape shape = model.manifest().shape();
        TextEncoder.open(model.local(), settings.options(), shape.vocabulary()).close();
        return shape;
    }

    /** Adds the model's folder to errors about its files. */
    private static <T> T withContext(String folder, Supplier<T> opening) {
        try {
            return opening.get();
        } catch (InvalidDataException e) {
            String file = e.problem().file();
            String where = DataProblem.MODEL + folder + (file == null ? "" : ", file " + file);
            throw new InvalidDataException(e.problem().inFile(where), e);
        }
    }

    /** Drops the texts and the model from memory. */
    @Override
    public void close() {
        corpus.close();
        DecoderModel.releaseShared();
    }
}
