package io.kvscale.job.evaluation;

import io.kvscale.job.corpus.ModelCorpus;
import io.kvscale.job.corpus.TextCorpusSummary;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import java.util.ArrayList;
import java.util.List;

/** An {@link EvaluationJob} over a corpus of text: starts Spark, unless it runs, and lets go of the texts at the end. */
public final class TextEvaluation implements AutoCloseable {
    private final RunningSpark running;
    private final ModelCorpus texts;
    private final List<NamedScales> scales;
    private final EvaluationJob job;

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
     * @param progress shows how many texts are read
     * @throws io.kvscale.tensor.InvalidDataException if the model, scales or a text are not as they should be
     */
    public TextEvaluation(SparkRuntime runtime, Source source, int partitions, Progress progress) {
        this.running = runtime.start();
        this.scales = source.scales;
        this.texts = running.opening(spark -> ModelCorpus.open(
                spark,
                source.model,
                source.text,
                source.settings,
                model -> EvaluationJob.checkFit(source.scales, model),
                partitions,
                SparkRuntime.attempts(spark.getConf()),
                progress));
        this.job = new EvaluationJob(
                texts.model().manifest(),
                texts.model(),
                source.scales,
                new Evaluation.Settings(source.chunk, source.settings.residualLength()),
                source.settings.maxFailedSamples());
    }

    /** What the user should be told before it runs. */
    public List<String> notices() {
        List<String> notices = new ArrayList<>(EvaluationJob.notices(scales, texts.shape()));
        notices.addAll(texts.corpus().notices());
        return notices;
    }

    /** @throws io.kvscale.tensor.InvalidDataException as {@link EvaluationJob#run} */
    public EvaluationJob.Outcome run(Progress progress) {
        TextCorpusSummary summary = texts.corpus().summary();
        return progress.of(
                running.context(),
                summary.sequences() + " texts",
                summary.work(),
                (tokens, samples) -> job.run(texts.batches(), tokens, samples));
    }

    @Override
    public void close() {
        try (running) {
            texts.close();
        }
    }
}
