package io.kvscale.job.bench;

import io.kvscale.cache.FixedScales;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.evaluation.Attention;
import io.kvscale.evaluation.EvaluationTask;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.ModelManifest;
import io.kvscale.model.Outputs;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.TaskState;
import io.kvscale.task.TextTask;
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
 * Tokens per second of a model in one and two task slots: alone, with observation and in an evaluation. Each slot runs one
 * sequence of random ids at a time, as long as a batch of the job.
 */
public final class ModelRates {
    private static final int TOKENS = 512;

    /** Shorter, because an evaluation runs the model twice and scores its predictions. */
    private static final int EVALUATED_TOKENS = 256;

    /** The chunk of an evaluation outside the graph. */
    private static final int CHUNK = 16;

    /** Converts the rates of {@link Rounds}, which are per nanosecond. */
    private static final double PER_SECOND = 1e9;

    /** Suffix of figures for two slots at once. */
    private static final String TWO = "_2";

    private static final SlotSchemes FP8 = SlotSchemes.of(QuantizationScheme.fp8());

    private final Path folder;
    private final String graph;
    private final double seconds;

    /**
     * @param folder of the model, on this machine
     * @param seconds of all rounds together
     */
    public ModelRates(Path folder, String graph, double seconds) {
        this.folder = folder;
        this.graph = graph;
        this.seconds = seconds;
    }

    /**
     * Measures. Figures by name: {@code …_tps}, tokens per second, with suffix {@code _2} for two slots; {@code overhead},
     * the relative cost of observation over the forward pass of the same graph; {@code slot_scaling}, two slots relative to
     * one; {@code resident_mb}, peak memory of the process with one observing slot; {@code slot_mb}, the memory that a
     * second slot adds.
     *
     * @throws InvalidDataException if the folder holds no model that can run here
     */
    public Map<String, Object> run() throws Exception {
        ModelManifest manifest =
                ModelManifest.of(new org.apache.hadoop.fs.Path(folder.toUri()), graph, new Configuration());
        Map<String, Object> figures = new LinkedHashMap<>();
        try (Threads threads = new Threads()) {
            FixedScales scales = measureObservation(manifest, threads, figures);
            measureEvaluation(manifest, scales, threads, figures);
        } finally {
            DecoderModel.releaseShared();
        }
        figures.put("java", System.getProperty("java.version"));
        figures.put("cores", Runtime.getRuntime().availableProcessors());
        return figures;
    }

    /** Runs the first call of each pair alone, then both at once. */
    private static Map<String, Callable<?>> slots(Threads threads, Map<String, List<Callable<Object>>> measured) {
        Map<String, Callable<?>> slots = new LinkedHashMap<>();
        measured.forEach((name, calls) -> {
            slots.put(name, () -> threads.together(calls.subList(0, 1)));
            slots.put(name + TWO, () -> threads.together(calls));
        });
        return slots;
    }

    /** Measures the forward pass without and with observation. Returns scales from the observed statistics. */
    private FixedScales measureObservation(ModelManifest manifest, Threads threads, Map<String, Object> figures)
            throws Exception {
        try (DecoderModel model = DecoderModel.shared(manifest, folder, Outputs.CACHE);
                DecoderRun bare = model.newRun();
                DecoderRun bareBeside = model.newRun();
                TextTask observing = task(model, StatisticsKind.RANGE);
                TextTask beside = task(model, StatisticsKind.RANGE);
                TextTask counting = task(model, StatisticsKind.HISTOGRAM);
                TextTask countingBeside = task(model, StatisticsKind.HISTOGRAM)) {
            int tokens = Math.min(TOKENS, model.shape().maxPositions());
            TokenSequence sequence =
                    new TokenSequence("bench", ids(tokens, model.shape().vocabulary()));
            List<Callable<Object>> observe =
                    List.of(() -> observe(observing, sequence), () -> observe(beside, sequence));
            observe(observing, sequence);
            double one = ResidentMemory.peak(() -> observe(observing, sequence));
            threads.together(observe);
            double two = ResidentMemory.peak(() -> threads.together(observe));
            Map<String, List<Callable<Object>>> measured = new LinkedHashMap<>();
            measured.put("bare", List.of(() -> forward(bare, sequence), () -> forward(bareBeside, sequence)));
            measured.put("observe", observe);
            measured.put(
                    "histogram", List.of(() -> observe(counting, sequence), () -> observe(countingBeside, sequence)));
            ToDoubleFunction<String> rates = new Rounds(tokens, seconds).medians(slots(threads, measured));
            measured.keySet().forEach(name -> put(name, rates, figures));
            double observed = rates.applyAsDouble("observe");
            figures.put("overhead", rates.applyAsDouble("bare") / observed - 1);
            figures.put("slot_scaling", 2 * rates.applyAsDouble("observe" + TWO) / observed);
            figures.put("resident_mb", one / 1e6);
            figures.put("slot_mb", (two - one) / 1e6);
            figures.put("tokens", tokens);
            return scales(observing);
        }
    }

    /** Measures an evaluation of one quantized cache. */
    private void measureEvaluation(
            ModelManifest manifest, FixedScales scales, Threads threads, Map<String, Object> figures) throws Exception {
        Attention attention =
                DecoderModel.obstacle(manifest, folder).isEmpty() ? Attention.QUANTIZED : new Attention(CHUNK, 0);
        try (DecoderModel logits = DecoderModel.shared(manifest, folder, EvaluationTask.outputs(attention));
                EvaluationTask task = new EvaluationTask(logits, List.of(scales), attention);
                EvaluationTask beside = new EvaluationTask(logits, List.of(scales), attention)) {
            int tokens = Math.min(EVALUATED_TOKENS, logits.shape().maxPositions());
            TokenSequence sequence =
                    new TokenSequence("bench", ids(tokens, logits.shape().vocabulary()));
            Map<String, List<Callable<Object>>> measured =
                    Map.of("evaluate", List.of(() -> task.score(sequence), () -> beside.score(sequence)));
            put("evaluate", new Rounds(tokens, seconds / 2).medians(slots(threads, measured)), figures);
        }
    }

    private static void put(String name, ToDoubleFunction<String> rates, Map<String, Object> figures) {
        figures.put(name + "_tps", PER_SECOND * rates.applyAsDouble(name));
        figures.put(name + "_tps" + TWO, 2 * PER_SECOND * rates.applyAsDouble(name + TWO));
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
        TaskState outcome = observed.state();
        ScaleSolver solver = new ScaleSolver(FP8, layer -> true, new Tolerances(false, false, true, false));
        return FixedScales.of(
                solver.solve(outcome.statistics(), outcome.problem()).table());
    }
}
