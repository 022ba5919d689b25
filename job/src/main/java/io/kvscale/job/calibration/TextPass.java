package io.kvscale.job.calibration;

import io.kvscale.cache.FixedScales;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.corpus.ModelCorpus;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.model.ShippedModel;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.Outputs;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.ModelConfigFile;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.task.CaptureWriter;
import io.kvscale.task.FailedSamples;
import io.kvscale.task.PhaseNanos;
import io.kvscale.task.TaskState;
import io.kvscale.task.TextTask;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TokenBatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** A pass over texts: tasks run the model and observe the K and V of its cache. */
record TextPass(
        Recipe recipe,
        ModelCorpus texts,
        @Nullable String captures,
        @Nullable KeptTexts kept,
        @Nullable ScaleTable table)
        implements Pass {
    /** @throws InvalidOptionException if the recipe asks for queries */
    static void check(Recipe recipe) {
        if (recipe.schemes().query() != null) {
            throw new InvalidOptionException(
                    "the recipe asks for queries, but a model's graph has outputs for K and V only",
                    "capture Q, K and V and name them with --input, or remove query under kvscale in the recipe");
        }
    }

    /**
     * Checks the model, then reads and tokenizes the texts, in separate Spark jobs.
     *
     * @param state keeps what the model gives for texts; null for none
     * @param partitions target number of tasks; 0: enough for every core
     * @throws InvalidDataException if the model or a text is invalid
     */
    static TextPass plan(
            JavaSparkContext spark,
            Recipe recipe,
            String model,
            TextInput text,
            @Nullable String captures,
            @Nullable StateFolder state,
            int partitions,
            Progress progress) {
        int attempts = SparkRuntime.attempts(spark.getConf());
        ModelCorpus texts =
                ModelCorpus.open(spark, model, text, recipe.text(), shape -> {}, partitions, attempts, progress);
        Recipe fitted = recipe.withModel(ModelConfigFile.read(
                texts.model().local().resolve(ModelConfig.FILE).toUri().toString(), spark.hadoopConfiguration()));
        StratumLimits.check(
                fitted, texts.shape(), texts.corpus().summary().observed().size());
        KeptTexts kept = state == null ? null : new KeptTexts(spark, state, texts, partitions);
        return new TextPass(fitted, texts, captures, kept, null);
    }

    @Override
    public List<TextPass> doubling() {
        return texts.doubling(recipe.text().chunkTokens()).stream()
                .map(part -> new TextPass(recipe, part, captures, null, table))
                .toList();
    }

    @Override
    public boolean readsTensors() {
        return false;
    }

    @Override
    public boolean wantsScales() {
        return recipe.text().fakeQuantizeFeedback() && table == null;
    }

    @Override
    public TextPass with(ScaleTable scales) {
        return new TextPass(recipe, texts, captures, kept, scales);
    }

    @Override
    public List<String> notices() {
        List<String> notices = new ArrayList<>(texts.corpus().notices());
        List<String> unused = recipe.unused(Input.TEXT);
        if (!unused.isEmpty()) {
            notices.add("the recipe sets " + String.join(", ", unused)
                    + ", which is about captures; the model's own graph and config.json say it here");
        }
        TextSettings settings = recipe.text();
        int lastChunk = (texts.corpus().summary().longest() - 1) / settings.chunkTokens() * settings.chunkTokens();
        if (settings.fakeQuantizeFeedback() && lastChunk <= settings.residualLength()) {
            notices.add("feedback: fake_quantize has no effect: all texts are too short for a chunk to attend to"
                    + " quantized tokens (chunk_tokens is " + settings.chunkTokens() + ", residual_length "
                    + settings.residualLength() + ")");
        }
        return notices;
    }

    @Override
    public String description() {
        return texts.corpus().summary().sequences() + " texts in " + partitions() + " tasks"
                + (wantsScales() ? ", for the scales to feed back" : "");
    }

    @Override
    public TextRun textRun() {
        Map<String, Double> phases = new LinkedHashMap<>();
        phases.put("model", texts.modelSeconds());
        phases.put("read_and_tokenize", texts.readSeconds());
        return new TextRun(texts.corpus().summary().tokens(), phases, PhaseNanos.NONE);
    }

    @Override
    public Work work() {
        return kept == null
                ? texts.corpus().summary().work()
                : new Work.Tokens(size(kept).tokens(), size(kept).texts());
    }

    @Override
    public int partitions() {
        return kept == null ? texts.batches().getNumPartitions() : size(kept).tasks();
    }

    private KeptTexts.Size size(KeptTexts texts) {
        return texts.size(observation(recipe.kept()));
    }

    private Observation observation(StatisticsKind kind) {
        return Observation.texts(texts.model().manifest().id(), recipe, kind, table == null ? null : table.sha256());
    }

    @Override
    public @Nullable StateUse stateUse() {
        return kept == null ? null : kept.use();
    }

    @Override
    public List<String> finishState() {
        return kept == null || wantsScales() ? List.of() : kept.finish();
    }

    @Override
    public String modelSha256() {
        return texts.model().manifest().id();
    }

    @Override
    public Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("model", texts.shape().layers() + " layers, " + texts.shape().geometry());
        facts.putAll(texts.corpus().summary().shown());
        facts.put("tasks", String.valueOf(partitions()));
        return facts;
    }

    @Override
    public JavaPairRDD<Integer, byte[]> states(
            Depth depth, StatisticsKind kind, LongAccumulator observed, LongAccumulator samples) {
        Recipe how = recipe;
        FixedScales fedBack = table == null ? null : FixedScales.of(table);
        ShippedModel shipped = texts.model();
        String saved = wantsScales() ? null : captures;
        if (kept != null) {
            return kept.run(observation(kind), part -> run(part, shipped, how, kind, fedBack, null, observed, samples));
        }
        return texts.batches()
                .mapPartitionsToPair(part -> !part.hasNext()
                        ? List.<Tuple2<Integer, byte[]>>of().iterator()
                        : CalibrationJob.rows(run(part, shipped, how, kind, fedBack, saved, observed, samples)));
    }

    private static TaskState run(
            Iterator<byte[]> batches,
            ShippedModel shipped,
            Recipe recipe,
            StatisticsKind kind,
            @Nullable FixedScales scales,
            @Nullable String captures,
            LongAccumulator observed,
            LongAccumulator samples)
            throws IOException {
        TextTask.Settings settings = new TextTask.Settings(
                recipe.schemes(),
                kind,
                recipe.capture().layerFilter(),
                recipe.text().chunkTokens(),
                recipe.text().maxFailedSamples(),
                scales,
                recipe.text().residualLength());
        long begin = System.nanoTime();
        try (CaptureWriter writer = captures == null
                        ? null
                        : new CaptureWriter(
                                new Path(captures),
                                shipped.configuration().value().value());
                DecoderModel model = DecoderModel.shared(shipped.manifest(), shipped.local(), Outputs.CACHE);
                TextTask task = new TextTask(model, settings, writer, tokens -> {
                    observed.add(tokens);
                    samples.add(1);
                })) {
            PhaseNanos opening = new PhaseNanos(System.nanoTime() - begin, 0, 0);
            while (batches.hasNext()) {
                task.run(JavaSerde.value(batches.next(), TokenBatch.class));
            }
            return task.state().spending(opening);
        } catch (InvalidDataException e) {
            return TaskState.of(e.problem());
        }
    }

    /** Checks the number of failed samples over all tasks. */
    @Override
    public TaskState withContext(Supplier<TaskState> run) {
        TaskState state = run.get();
        FailedSamples failed = state.tally().failed();
        if (failed.first() != null && failed.count() > recipe.text().maxFailedSamples()) {
            state.add(failed.first());
        }
        DataProblem missing =
                StratumLimits.missing(state, texts.corpus().summary().observed());
        if (missing != null) {
            state.add(missing);
        }
        return state;
    }

    @Override
    public void close() {
        texts.close();
    }
}
