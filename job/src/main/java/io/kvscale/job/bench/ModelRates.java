package io.kvscale.job.bench;

import io.kvscale.cache.CalibrationTask;
import io.kvscale.cache.EvaluationTask;
import io.kvscale.cache.FixedScales;
import io.kvscale.cache.TextTask;
import io.kvscale.capture.LayerFilter;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.ModelManifest;
import io.kvscale.model.Outputs;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.Expectations;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.hadoop.conf.Configuration;

/**
 * How fast a model runs in task slots, in tokens a second: alone, and with what the job does beside it. One sequence of
 * random ids goes through at a time, as long as a batch of the job's.
 */
public final class ModelRates {
    private static final int TOKENS = 512;
    /** An evaluation runs everything twice, in small chunks. */
    private static final int EVALUATED_TOKENS = 64;

    /** The default of {@code evaluate}. */
    private static final int CHUNK = 16;
    /** {@link Rounds} counts in units a nanosecond, as GB/s. */
    private static final double PER_SECOND = 1e9;

    private static final SlotSchemes FP8 = SlotSchemes.of(QuantizationScheme.fp8());

    private final Path folder;
    private final String graph;
    private final double seconds;

    /**
     * @param folder of the model, local
     * @param seconds for all rounds
     */
    public ModelRates(Path folder, String graph, double seconds) {
        this.folder = folder;
        this.graph = graph;
        this.seconds = seconds;
    }

    /**
     * Measures. Figures by name: tokens a second; {@code overhead}, the part that observation adds to the bare forward
     * pass over the same graph and outputs; {@code slot_scaling}, two slots to one; {@code resident_mb}, all that the
     * process holds with one slot at work; {@code slot_mb}, what the second one adds.
     *
     * @throws InvalidDataException if the folder holds no model that runs here
     */
    public Map<String, Object> run() throws Exception {
        ModelManifest manifest =
                ModelManifest.of(new org.apache.hadoop.fs.Path(folder.toUri()), graph, new Configuration());
        try (DecoderModel cache = DecoderModel.shared(manifest, folder, Outputs.CACHE);
                DecoderRun bare = cache.newRun();
                DecoderRun bareBeside = cache.newRun();
                TextTask observing = task(cache, StatisticsKind.RANGE);
                TextTask beside = task(cache, StatisticsKind.RANGE);
                TextTask counting = task(cache, StatisticsKind.HISTOGRAM);
                Threads threads = new Threads()) {
            int tokens = Math.min(TOKENS, cache.shape().maxPositions());
            TokenSequence sequence =
                    new TokenSequence("bench", ids(tokens, cache.shape().vocabulary()));
            observe(observing, sequence);
            long one = ResidentMemory.bytes();
            threads.together(List.of(() -> observe(observing, sequence), () -> observe(beside, sequence)));
            long two = ResidentMemory.bytes();
            Map<String, Callable<?>> measured = new LinkedHashMap<>();
            measured.put("bare", () -> threads.together(List.of(() -> forward(bare, sequence))));
            measured.put("observe", () -> threads.together(List.of(() -> observe(observing, sequence))));
            measured.put("histogram", () -> threads.together(List.of(() -> observe(counting, sequence))));
            measured.put(
                    "bare2",
                    () -> threads.together(
                            List.of(() -> forward(bare, sequence), () -> forward(bareBeside, sequence))));
            measured.put(
                    "observe2",
                    () -> threads.together(
                            List.of(() -> observe(observing, sequence), () -> observe(beside, sequence))));
            ToDoubleFunction<String> rates = new Rounds(tokens, seconds).medians(measured);
            double evaluated = evaluated(manifest, scales(observing), threads);
            double alone = rates.applyAsDouble("bare");
            double observed = rates.applyAsDouble("observe");
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("bare_tps", PER_SECOND * alone);
            figures.put("observe_tps", PER_SECOND * observed);
            figures.put("overhead", alone / observed - 1);
            figures.put("histogram_tps", PER_SECOND * rates.applyAsDouble("histogram"));
            figures.put("evaluate_tps", evaluated);
            figures.put("bare_tps_2", 2 * PER_SECOND * rates.applyAsDouble("bare2"));
            figures.put("observe_tps_2", 2 * PER_SECOND * rates.applyAsDouble("observe2"));
            figures.put("slot_scaling", 2 * rates.applyAsDouble("observe2") / observed);
            figures.put("resident_mb", one / 1e6);
            figures.put("slot_mb", (two - one) / 1e6);
            figures.put("tokens", tokens);
            figures.put("java", System.getProperty("java.version"));
            figures.put("cores", Runtime.getRuntime().availableProcessors());
            return figures;
        } finally {
            DecoderModel.releaseShared();
        }
    }

    private static int[] ids(int tokens, int vocabulary) {
        return new Random(7).ints(tokens, 0, vocabulary).toArray();
    }

    private static Object forward(DecoderRun run, TokenSequence sequence) {
        run.begin(1);
        run.feed(new int[][] {sequence.ids()});
        return run;
    }

    private static TextTask task(DecoderModel model, StatisticsKind kind) {
        TextTask.Settings settings =
                new TextTask.Settings(FP8, kind, new LayerFilter(List.of(), List.of()), TOKENS, 0, null, 0);
        return new TextTask(model, settings, null, tokens -> {});
    }

    private static Object observe(TextTask task, TokenSequence sequence) throws IOException {
        task.run(new TokenBatch(List.of(sequence)));
        return task;
    }

    private static FixedScales scales(TextTask observed) {
        CalibrationTask.Outcome outcome = observed.outcome();
        ScaleSolver solver = new ScaleSolver(FP8, layer -> true, new Expectations(false, false, true, false));
        return FixedScales.of(
                solver.solve(outcome.statistics(), outcome.problem()).table());
    }

    /** One quantized cache beside the full-precision one. */
    private double evaluated(ModelManifest manifest, FixedScales scales, Threads threads) throws Exception {
        try (DecoderModel logits = DecoderModel.shared(manifest, folder, Outputs.CACHE_AND_LOGITS);
                EvaluationTask task = new EvaluationTask(logits, List.of(scales), CHUNK, 0)) {
            TokenBatch batch = new TokenBatch(List.of(new TokenSequence(
                    "bench", ids(EVALUATED_TOKENS, logits.shape().vocabulary()))));
            return PER_SECOND
                    * new Rounds(EVALUATED_TOKENS, seconds / 4)
                            .medians(Map.of("evaluate", () -> threads.together(List.of(() -> evaluate(task, batch)))))
                            .applyAsDouble("evaluate");
        }
    }

    private static Object evaluate(EvaluationTask task, TokenBatch batch) {
        DataProblem problem = task.score(batch).get(0).problem();
        if (problem != null) {
            throw new InvalidDataException(problem);
        }
        return task;
    }
}
