package io.kvscale.job.evaluation;

import io.kvscale.job.calibration.Progress;
import io.kvscale.job.calibration.SparkRuntime;
import io.kvscale.job.corpus.ShippedModel;
import io.kvscale.job.corpus.TextCorpus;
import io.kvscale.job.corpus.TextInput;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.ModelShape;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/** An {@link EvaluationJob} over a corpus of text: starts Spark, unless it runs, and lets go of the texts at the end. */
public final class TextEvaluation implements AutoCloseable {
    private final boolean ownsSpark;
    private final JavaSparkContext spark;
    private final EvaluationJob job;
    private final TextCorpus corpus;
    private final JavaRDD<byte[]> batches;

    /**
     * What is evaluated.
     *
     * @param model its folder
     * @param settings how texts are read and chosen, and how many tokens stay in full precision
     * @param scales to compare, in the order of the result
     * @param chunk tokens of a chunk
     */
    public record Source(String model, TextInput text, TextSettings settings, List<NamedScales> scales, int chunk) {}

    /**
     * Checks the model and the scales, then reads and tokenizes the texts.
     *
     * @param partitions how many tasks to aim at; 0: enough for every core
     * @throws io.kvscale.tensor.InvalidDataException if the model, scales or a text are not as they should be
     */
    public TextEvaluation(SparkRuntime runtime, Source source, int partitions) {
        this.ownsSpark = !SparkRuntime.isRunning();
        this.spark = runtime.context();
        try {
            TextSettings settings = source.settings;
            ShippedModel model = ShippedModel.of(spark, source.model, settings.modelFile());
            ModelShape shape = DecoderModel.check(model.local(), settings.modelFile());
            this.job = new EvaluationJob(
                    model.manifest(),
                    shape,
                    model,
                    source.scales,
                    new Evaluation.Settings(source.chunk, settings.residualLength()),
                    settings.maxFailedSamples());
            this.corpus = TextCorpus.read(
                    spark,
                    source.text,
                    settings,
                    model,
                    shape.vocabulary(),
                    shape.maxPositions(),
                    partitions,
                    SparkRuntime.attempts(spark.getConf()));
            this.batches = corpus.batches(partitions);
        } catch (RuntimeException e) {
            stop();
            throw e;
        }
    }

    /** What the user should be told before it runs. */
    public List<String> notices() {
        return corpus.notices();
    }

    /** @throws io.kvscale.tensor.InvalidDataException as {@link EvaluationJob#run} */
    public EvaluationJob.Outcome run(Progress progress) {
        spark.setJobGroup("kvscale", "kvscale: " + corpus.summary().sequences() + " texts");
        progress.begin(
                new Progress.Work(corpus.summary().tokens(), corpus.summary().sequences()));
        spark.sc().addSparkListener(progress);
        try {
            return job.run(
                    batches,
                    spark.sc().longAccumulator(Progress.ACCUMULATOR),
                    spark.sc().longAccumulator(Progress.SAMPLES));
        } finally {
            progress.finish();
            spark.sc().removeSparkListener(progress);
            spark.clearJobGroup();
        }
    }

    @Override
    public void close() {
        corpus.close();
        DecoderModel.releaseShared();
        stop();
    }

    private void stop() {
        if (ownsSpark) {
            spark.stop();
        }
    }
}
