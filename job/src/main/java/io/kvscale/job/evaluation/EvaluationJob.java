package io.kvscale.job.evaluation;

import io.kvscale.job.corpus.ModelCorpus;
import io.kvscale.job.corpus.TextCorpusSummary;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Evaluates scales on texts with Spark: an action. Set the inputs, then call {@link #execute}.
 *
 * <p>Texts are read and tokenized in Spark jobs of their own; all caches run over them in one Spark job. Spark is stopped
 * at the end, also after an error, unless it was running before.
 */
public final class EvaluationJob {
    private final SparkRuntime runtime;
    private final String model;
    private final TextInput text;
    private final List<NamedScales> scales;
    private TextSettings settings = TextSettings.DEFAULT;
    private int chunk = 16;
    private int partitions;
    private Progress progress = Progress.NONE;
    private Consumer<String> notices = notice -> {};

    /**
     * @param model the model's folder
     * @param scales the scale tables to compare, in the order of the result
     */
    public EvaluationJob(SparkRuntime runtime, String model, TextInput text, List<NamedScales> scales) {
        this.runtime = runtime;
        this.model = model;
        this.text = text;
        this.scales = List.copyOf(scales);
    }

    /** How texts are read and chosen, how many samples may fail, and the residual length. */
    public EvaluationJob settings(TextSettings how) {
        this.settings = how;
        return this;
    }

    /** The number of tokens fed at once; 16 by default. */
    public EvaluationJob chunk(int tokens) {
        this.chunk = tokens;
        return this;
    }

    /** The number of tasks to aim at; 0, the default: enough for every core. */
    public EvaluationJob partitions(int count) {
        this.partitions = count;
        return this;
    }

    /** Shows how far reading and evaluating are. */
    public EvaluationJob progress(Progress shown) {
        this.progress = shown;
        return this;
    }

    /** Receives notices about scales and texts, before the texts are evaluated. */
    public EvaluationJob notices(Consumer<String> receiver) {
        this.notices = receiver;
        return this;
    }

    /**
     * Checks the model and the scales, reads the texts and evaluates.
     *
     * @throws InvalidDataException if the model, the scales or the texts cannot be used, more samples fail than may, or no
     *     predicted token attends to a quantized one
     */
    public EvaluationResult execute() {
        try (RunningSpark running = runtime.start();
                ModelCorpus texts = open(running.context())) {
            EvaluationPass.notices(scales, texts.shape()).forEach(notices);
            texts.corpus().notices().forEach(notices);
            TextCorpusSummary summary = texts.corpus().summary();
            EvaluationPass pass = new EvaluationPass(
                    texts.model().manifest(),
                    texts.model(),
                    scales,
                    new Evaluation.Settings(chunk, settings.residualLength()),
                    settings.maxFailedSamples());
            return progress.track(
                    running.context(),
                    summary.sequences() + " texts",
                    summary.work(),
                    (tokens, samples) -> pass.run(texts.batches(), tokens, samples));
        }
    }

    private ModelCorpus open(JavaSparkContext spark) {
        return ModelCorpus.open(
                spark,
                model,
                text,
                settings,
                shape -> EvaluationPass.checkFit(scales, shape),
                partitions,
                SparkRuntime.attempts(spark.getConf()),
                progress);
    }
}
