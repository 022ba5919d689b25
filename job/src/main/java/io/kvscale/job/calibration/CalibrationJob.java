package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.convergence.Convergence;
import io.kvscale.job.convergence.CurveRecorder;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunMetrics;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.job.state.StateFolder;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.task.Geometries;
import io.kvscale.task.PhaseNanos;
import io.kvscale.task.Tally;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * Calibrates a recipe on Spark: an action. Set the inputs, then call {@link #execute} or {@link #dryRun}.
 *
 * <p>Each pass over the corpus is one Spark job: every task observes its split, the states are merged by slot in parallel,
 * and the driver receives one state per merging task. Merging is exact and order-free, so the result has the same bits for
 * any partitioning, retries and speculative copies. Texts are read and tokenized in earlier Spark jobs. With {@code
 * feedback: fake_quantize} a first pass gives the scales for the feedback of the second pass. Captures and
 * tables are read again with histograms if the observer clips values and the statistics do not tell how many.
 *
 * <p>Spark is stopped when an action ends, also by an error, unless it was running before.
 */
public final class CalibrationJob {
    private final SparkRuntime runtime;
    private final Recipe recipe;
    private final Runnable validation;
    private final Planner planner;
    private int partitions;
    private boolean stopping;
    private Progress progress = Progress.NONE;
    private Consumer<String> notices = notice -> {};
    private Runnable whenRead = () -> {};

    /** Plans a pass over the corpus on a running Spark. */
    private interface Planner {
        Pass plan(JavaSparkContext spark, int partitions, Progress progress);
    }

    private CalibrationJob(SparkRuntime runtime, Recipe recipe, Runnable validation, Planner planner) {
        this.runtime = runtime;
        this.recipe = recipe;
        this.validation = validation;
        this.planner = planner;
    }

    /** Calibrates on capture files. */
    public static CalibrationJob ofCaptures(SparkRuntime runtime, Recipe recipe, CaptureListing listing) {
        return ofCaptures(runtime, recipe, listing, null);
    }

    /**
     * Calibrates on capture files.
     *
     * @param state keeps the statistics of the files for later runs, and those of earlier ones; null for none
     */
    public static CalibrationJob ofCaptures(
            SparkRuntime runtime, Recipe recipe, CaptureListing listing, @Nullable StateFolder state) {
        return new CalibrationJob(
                runtime,
                recipe,
                () -> {},
                (spark, tasks, progress) -> FilePass.plan(spark, recipe, listing, tasks, state));
    }

    /** Calibrates on a table of K and V, one tensor per row. */
    public static CalibrationJob ofTable(SparkRuntime runtime, Recipe recipe, TableInput table) {
        return new CalibrationJob(
                runtime,
                recipe,
                () -> table.check(recipe),
                (spark, tasks, progress) -> TablePass.plan(spark, recipe, table, tasks));
    }

    /**
     * Calibrates on texts that a model runs over.
     *
     * @param model the model's folder
     * @param captures the folder in which K and V are saved, on any Hadoop file system; null to save none, as with a state
     * @param state keeps the statistics of the texts for later runs, and those of earlier ones; null for none
     * @throws InvalidOptionException from {@link #execute} and {@link #dryRun}, if the recipe asks for queries
     */
    public static CalibrationJob ofText(
            SparkRuntime runtime,
            Recipe recipe,
            String model,
            TextInput text,
            @Nullable String captures,
            @Nullable StateFolder state) {
        return new CalibrationJob(
                runtime,
                recipe,
                () -> TextPass.check(recipe),
                (spark, tasks, progress) ->
                        TextPass.plan(spark, recipe, model, text, captures, state, tasks, progress));
    }

    /**
     * Target number of tasks; for a table, maximum number. 0, the default: enough for every core, with at most about 1 GB
     * of captures each; for a table, as Spark plans them.
     */
    public CalibrationJob partitions(int count) {
        this.partitions = count;
        return this;
    }

    /**
     * Whether to end a run over texts when the last doubling of their number changed no scale by more than 1 %. The texts
     * are taken in the order of their hashes, and compared after 64, 128, 256 and so on, so the result does not depend on
     * partitions. Off by default.
     */
    public CalibrationJob stoppingWhenStable(boolean stop) {
        this.stopping = stop;
        return this;
    }

    /** Where to show progress, and notices about the corpus before it is calibrated; nowhere by default. */
    public CalibrationJob reporting(Progress shown, Consumer<String> receiver) {
        this.progress = shown;
        this.notices = receiver;
        return this;
    }

    /** What to do when the corpus has been read, before scales are solved. */
    public CalibrationJob whenRead(Runnable action) {
        this.whenRead = action;
        return this;
    }

    /**
     * Reads the corpus and merges its statistics. Bad data in the corpus is part of the result.
     *
     * @throws InvalidOptionException if the recipe does not suit the input
     * @throws InvalidDataException if the table, the model or the texts cannot be used, captures are not in the layout in which
     *     they would be read, or a first pass gives no scales
     */
    public CalibrationResult execute() {
        validation.run();
        if (stopping && recipe.text().fakeQuantizeFeedback()) {
            throw new InvalidOptionException(
                    "--stop-when-stable does not work with feedback: fake_quantize, whose second pass needs scales of all"
                            + " texts",
                    "remove one of the two");
        }
        long begin = System.nanoTime();
        try (RunningSpark running = runtime.start()) {
            double start = secondsSince(begin);
            RunMetrics.of(running.context()).begin();
            try (Pass planned = plan(running.context())) {
                CalibrationResult result = calibrated(running.context(), planned, start);
                whenRead.run();
                return shown(result.tried(), running.context());
            }
        }
    }

    /** Shows what is known at the end, while Spark still runs. */
    private static CalibrationResult shown(CalibrationResult result, JavaSparkContext spark) {
        RunMetrics metrics = RunMetrics.of(spark);
        metrics.set(
                RunMetrics.Figure.TOKENS,
                result.statistics().slots().values().stream()
                        .mapToLong(SlotStatistics::tokens)
                        .max()
                        .orElse(0));
        metrics.set(RunMetrics.Figure.FAILED_SAMPLES, result.tally().failed().count());
        metrics.set(RunMetrics.Figure.SATURATED_SHARE, result.clippedShare());
        return result;
    }

    /** @param start the seconds until Spark ran */
    private CalibrationResult calibrated(JavaSparkContext spark, Pass planned, double start) {
        long begin = System.nanoTime();
        CalibrationResult result = calibrated(spark, planned);
        PhaseNanos tasks = result.tally().phases();
        if (planned.wantsScales()) {
            result = calibrated(spark, planned.with(result.solve().table()));
            tasks = tasks.plus(result.tally().phases());
        }
        TextRun text = result.text();
        return text == null ? result : result.with(text.within(start, secondsSince(begin), tasks));
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    /**
     * Reads headers or texts only.
     *
     * @throws InvalidOptionException as {@link #execute}
     * @throws InvalidDataException as {@link #execute}, and if a header is bad
     */
    public DryRun dryRun() {
        validation.run();
        try (RunningSpark running = runtime.start();
                Pass pass = plan(running.context())) {
            if (!pass.readsTensors()) {
                return new DryRun(pass.facts(), null, Tally.NONE);
            }
            TaskState state =
                    run(running.context(), pass, Depth.HEADERS, pass.recipe().kept());
            DataProblem problem = state.problem(pass.checksLayout());
            if (problem == null) {
                problem = empty(state)
                        ? pass.nothingFound()
                        : secondLook(running.context(), pass).uneven(state);
            }
            if (problem != null) {
                throw new InvalidDataException(problem);
            }
            doubt(pass, state);
            checkHeaders(pass.recipe(), state);
            return new DryRun(pass.facts(), state.statistics(), state.tally());
        }
    }

    private static void checkHeaders(Recipe recipe, TaskState headers) {
        try {
            CalibrationResult.solver(recipe).checkHeaders(headers.statistics());
        } catch (InvalidDataException e) {
            throw new InvalidDataException(placed(e.problem(), headers), e);
        }
    }

    /** Adds the first file and sample of the layer of a problem: statistics of headers do not know them. */
    private static DataProblem placed(DataProblem problem, TaskState headers) {
        Slot slot = problem.slot();
        Origin first = null;
        for (Role role : Role.values()) {
            Geometries seen = slot == null ? null : headers.geometries().get(new Slot(slot.layer(), role));
            first = seen == null
                    ? first
                    : Origin.earlier(first, seen.seen().get(0).first());
        }
        if (first == null) {
            return problem;
        }
        DataProblem inFile = first.file().isEmpty() ? problem : problem.inFile(first.file());
        return first.sample() == null ? inFile : inFile.inSample(first.sample());
    }

    private Pass plan(JavaSparkContext spark) {
        Pass pass = planner.plan(spark, partitions, progress);
        RunMetrics.of(spark).set(RunMetrics.Figure.FILES, pass.files().size());
        pass.notices().forEach(notices);
        @Nullable DataProblem wrong = pass.recipe().capture().model() == null ? pass.wrongLayout() : null;
        if (wrong != null) {
            pass.close();
            throw new InvalidDataException(wrong);
        }
        return pass;
    }

    private CalibrationResult calibrated(JavaSparkContext spark, Pass pass) {
        CurveRecorder recorder = new CurveRecorder(
                pass.recipe().schemes(), pass.recipe().capture().layerFilter()::includes);
        TaskState state = stopping
                ? untilStable(spark, pass, recorder)
                : run(spark, pass, Depth.VALUES, pass.recipe().kept(), recorder::add);
        DataProblem problem = state.problem(pass.checksLayout());
        if (problem == null && pass.readsTensors()) {
            problem =
                    empty(state) ? pass.nothingFound() : secondLook(spark, pass).problem(state);
        }
        if (problem == null) {
            doubt(pass, state);
        }
        if (problem == null && pass.readsTensors()) {
            secondLook(spark, pass).warnings(state).forEach(notices);
        }
        CalibrationStatistics statistics = state.statistics();
        CalibrationStatistics counted = statistics;
        // Ranges tell that values are clipped, but not how many.
        if (problem == null
                && pass.readsTensors()
                && CalibrationResult.solver(pass.recipe()).clipsUncounted(counted)) {
            TaskState again = run(spark, pass, Depth.VALUES, StatisticsKind.HISTOGRAM);
            problem = again.problem(pass.checksLayout());
            counted = again.statistics();
        }
        pass.finishState().forEach(notices);
        Convergence convergence = problem != null || recorder.isEmpty() ? null : recorder.curves();
        TextRun text = pass.textRun();
        if (stopping && convergence != null && text != null && pass.work() instanceof Work.Tokens all) {
            convergence = convergence.ofAvailable(all.samples());
            text = text.over(convergence.whole().tokens());
        }
        return new CalibrationResult(
                pass.recipe(),
                statistics,
                counted,
                state.strata(),
                problem,
                state.tally(),
                pass.partitions(),
                spark.version(),
                spark.master(),
                text,
                pass.stateUse(),
                convergence,
                new RunFacts(
                        spark.sc().applicationId(),
                        spark.appName(),
                        spark.sparkUser(),
                        pass.files(),
                        pass.modelSha256(),
                        RunMetrics.of(spark).time().ratio()),
                null);
    }

    /** Runs parts of the texts, each as large as all before it, until the scales are stable. */
    private TaskState untilStable(JavaSparkContext spark, Pass pass, CurveRecorder recorder) {
        TaskState all = new TaskState();
        for (Pass part : pass.doubling()) {
            all.merge(run(spark, part, Depth.VALUES, pass.recipe().kept()));
            if (all.problem() != null) {
                break;
            }
            recorder.add(all.statistics());
            if (recorder.curves().isStable()) {
                break;
            }
        }
        return pass.withContext(() -> all);
    }

    private static boolean empty(TaskState state) {
        return state.statistics().slots().isEmpty();
    }

    private SecondLook secondLook(JavaSparkContext spark, Pass pass) {
        return new SecondLook(spark, pass, progress);
    }

    private void doubt(Pass pass, TaskState state) {
        DataProblem doubt = state.layoutDoubt();
        if (pass.checksLayout() && doubt != null) {
            notices.accept(SecondLook.line(doubt));
        }
    }

    private TaskState run(JavaSparkContext spark, Pass pass, Depth depth, StatisticsKind kind) {
        return run(spark, pass, depth, kind, part -> {});
    }

    /** @param growing receives growing parts of the corpus, if the kind keeps samples apart by levels */
    private TaskState run(
            JavaSparkContext spark,
            Pass pass,
            Depth depth,
            StatisticsKind kind,
            Consumer<CalibrationStatistics> growing) {
        Progress shown = depth == Depth.VALUES ? progress : Progress.NONE;
        return pass.withContext(() ->
                shown.track(spark, described(pass, depth, kind), pass.work(), (observed, samples) -> {
                    int mergers = Math.max(1, Math.min(spark.defaultParallelism(), pass.partitions()));
                    List<byte[]> merged = pass.states(depth, kind, observed, samples)
                            .partitionBy(new HashPartitioner(mergers))
                            .mapPartitions(CalibrationJob::merge)
                            .collect();
                    TaskState all = TaskState.of(pass.corpus(), Tally.NONE);
                    merged.forEach(state -> all.merge(TaskState.fromByteArray(state)));
                    boolean recorded = kind.levels() && all.problem(pass.checksLayout()) == null;
                    all.join(part -> {
                        if (recorded) {
                            growing.accept(part);
                        }
                    });
                    return all;
                }));
    }

    private static String described(Pass pass, Depth depth, StatisticsKind kind) {
        return pass.description()
                + (depth == Depth.HEADERS
                        ? ", headers"
                        : kind.equals(pass.recipe().kept()) ? "" : ", again with histograms");
    }

    private static Iterator<byte[]> merge(Iterator<Tuple2<Integer, byte[]>> parts) {
        TaskState state = new TaskState();
        long nanos = 0;
        while (parts.hasNext()) {
            // Not the time until the next part is here.
            Tuple2<Integer, byte[]> part = parts.next();
            long begin = System.nanoTime();
            state.merge(TaskState.fromByteArray(part._2()));
            nanos += System.nanoTime() - begin;
        }
        return List.of(state.spending(new PhaseNanos(0, 0, nanos)).toByteArray())
                .iterator();
    }

    /** A task's state as rows for the shuffle. */
    static Iterator<Tuple2<Integer, byte[]>> rows(TaskState state) {
        return state.parts().entrySet().stream()
                .map(part -> new Tuple2<>(part.getKey(), part.getValue().toByteArray()))
                .iterator();
    }
}
