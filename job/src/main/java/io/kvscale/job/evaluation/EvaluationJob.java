package io.kvscale.job.evaluation;

import io.kvscale.evaluation.Attention;
import io.kvscale.job.corpus.ModelCorpus;
import io.kvscale.job.corpus.TextCorpusSummary;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.ModelConfigFile;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Evaluates scales on texts with Spark: an action. Set the inputs, then call {@link #execute}.
 *
 * <p>Texts are read and tokenized in Spark jobs of their own; all caches run over them in one Spark job. Spark is stopped
 * at the end, also after an error, unless it was running before.
 */
public final class EvaluationJob {
    /** The usual number of tokens in a chunk. */
    public static final int DEFAULT_CHUNK = 16;

    private final SparkRuntime runtime;
    private final String model;
    private final TextInput text;
    private final TextSettings settings;
    private final List<NamedScales> scales;
    private final Attention attention;
    private boolean withUnit;
    private int partitions;
    private Progress progress = Progress.NONE;
    private Consumer<String> notices = notice -> {};

    /**
     * @param model the model's folder
     * @param settings how texts are read and chosen, and how many samples may fail
     * @param scales the scale tables to compare, in the order of the result
     * @param attention what tokens attend to; chunks replace {@link Attention#QUANTIZED} if quantization cannot be put
     *     into the model's graph
     */
    public EvaluationJob(
            SparkRuntime runtime,
            String model,
            TextInput text,
            TextSettings settings,
            List<NamedScales> scales,
            Attention attention) {
        this.runtime = runtime;
        this.model = model;
        this.text = text;
        this.settings = settings;
        this.scales = List.copyOf(scales);
        this.attention = attention;
    }

    /** Target number of tasks; 0, the default: enough for every core. */
    public EvaluationJob partitions(int count) {
        this.partitions = count;
        return this;
    }

    /** Whether to evaluate fp8 with scale 1.0 everywhere too, after the scale tables; false by default. */
    public EvaluationJob withUnit(boolean wanted) {
        this.withUnit = wanted;
        return this;
    }

    /** Where to show progress, and notices about scales and texts before they are evaluated; nowhere by default. */
    public EvaluationJob reporting(Progress shown, Consumer<String> receiver) {
        this.progress = shown;
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
            List<NamedScales> compared = new ArrayList<>(scales);
            if (withUnit) {
                compared.add(NamedScales.unit(texts.shape()));
            }
            TextCorpusSummary summary = texts.corpus().summary();
            EvaluationPass pass = possible(
                    new EvaluationPass(
                            texts.model().manifest(), texts.model(), compared, attention, settings.maxFailedSamples()),
                    running.context());
            EvaluationResult result = progress.track(
                    running.context(),
                    summary.sequences() + " texts",
                    summary.work(),
                    (tokens, samples) -> pass.run(texts.batches(), tokens, samples));
            return new EvaluationResult(result.evaluation().of(subject(texts, running)), result.failed());
        }
    }

    private EvaluationPass possible(EvaluationPass pass, JavaSparkContext spark) {
        Optional<String> obstacle = attention.isQuantized() ? pass.obstacle(spark) : Optional.empty();
        obstacle.ifPresent(reason -> notices.accept("--attend quantized is not possible: " + reason
                + ". Evaluating with --attend chunks --chunk " + DEFAULT_CHUNK
                + ", where a token reads up to " + (DEFAULT_CHUNK - 1) + " others in full precision"));
        return obstacle.isPresent() ? pass.inChunks(DEFAULT_CHUNK) : pass;
    }

    private EvaluationSubject subject(ModelCorpus texts, RunningSpark running) {
        String config = texts.model().local().resolve(ModelConfig.FILE).toUri().toString();
        return new EvaluationSubject(
                model,
                ModelConfigFile.read(config, running.context().hadoopConfiguration())
                        .shown(),
                texts.model().manifest().id(),
                texts.shape().layers(),
                text);
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
