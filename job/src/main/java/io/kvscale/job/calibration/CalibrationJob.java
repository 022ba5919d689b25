package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.task.Tally;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.InvalidDataException;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaSparkContext;
import scala.Tuple2;

/**
 * Calibrates a recipe on Spark: an action. Set the inputs, then call {@link #execute} or {@link #dryRun} once or more.
 *
 * <p>Each pass over the corpus is one Spark job: every task observes its split, the states are merged by slot in parallel,
 * and the driver receives one state per merging task. Merging is exact and order-free, so the result has the same bits for
 * any partitioning, retries and speculative copies. Texts are read and tokenized in Spark jobs before; with {@code
 * feedback: fake_quantize} a first pass gives the scales that the second one feeds back.
 *
 * <p>Spark is stopped when an action ends, also by an error, unless it was running before.
 */
public final class CalibrationJob {
    private final SparkRuntime runtime;
    private final Recipe recipe;
    private final Input input;
    private int partitions;
    private Progress progress = Progress.NONE;
    private Consumer<String> notices = notice -> {};

    /** A corpus that is not planned yet. */
    private interface Input {
        default void validate(Recipe recipe) {}

        Pass plan(JavaSparkContext spark, Recipe recipe, int partitions, Progress progress);
    }

    private CalibrationJob(SparkRuntime runtime, Recipe recipe, Input input) {
        this.runtime = runtime;
        this.recipe = recipe;
        this.input = input;
    }

    /** Calibrates on capture files. */
    public static CalibrationJob ofCaptures(SparkRuntime runtime, Recipe recipe, CaptureListing listing) {
        return new CalibrationJob(
                runtime, recipe, (spark, how, tasks, progress) -> FilePass.plan(spark, how, listing, tasks));
    }

    /** Calibrates on a table of K and V, one row a tensor. */
    public static CalibrationJob ofTable(SparkRuntime runtime, Recipe recipe, TableInput table) {
        return new CalibrationJob(runtime, recipe, new Input() {
            @Override
            public void validate(Recipe how) {
                table.check(how);
            }

            @Override
            public Pass plan(JavaSparkContext spark, Recipe how, int tasks, Progress progress) {
                return TablePass.plan(spark, how, table, tasks);
            }
        });
    }

    /** Calibrates on texts that a model runs over. */
    public static CalibrationJob ofText(SparkRuntime runtime, Recipe recipe, TextSource text) {
        return new CalibrationJob(
                runtime, recipe, (spark, how, tasks, progress) -> TextPass.plan(spark, how, text, tasks, progress));
    }

    /**
     * The number of tasks to aim at; for a table the largest number of tasks. 0, the default: enough for every core, at
     * most about 1 GB of captures each; for a table as Spark plans them.
     */
    public CalibrationJob partitions(int count) {
        this.partitions = count;
        return this;
    }

    /** Shows how far reading and calibrating are. */
    public CalibrationJob progress(Progress shown) {
        this.progress = shown;
        return this;
    }

    /** Receives notices about the corpus, before it is calibrated. */
    public CalibrationJob notices(Consumer<String> receiver) {
        this.notices = receiver;
        return this;
    }

    /**
     * Reads the corpus and merges its statistics. Bad data in the corpus is part of the result.
     *
     * @throws InvalidOptionException if the recipe does not suit the input
     * @throws InvalidDataException if the table, the model or the texts cannot be used, or a first pass gives no scales
     */
    public CalibrationResult execute() {
        input.validate(recipe);
        try (RunningSpark running = runtime.start();
                Pass planned = plan(running.context())) {
            CalibrationResult result = calibrated(running.context(), planned);
            return planned.wantsScales()
                    ? calibrated(running.context(), planned.with(result.solve().table()))
                    : result;
        }
    }

    /**
     * Reads headers or texts only.
     *
     * @throws InvalidOptionException as {@link #execute}
     * @throws InvalidDataException as {@link #execute}, and if a header is bad
     */
    public DryRun dryRun() {
        input.validate(recipe);
        try (RunningSpark running = runtime.start();
                Pass pass = plan(running.context())) {
            if (!pass.readsTensors()) {
                return new DryRun(pass.facts(), null, Tally.NONE);
            }
            TaskState state = run(running.context(), pass, Depth.HEADERS);
            if (state.problem() != null) {
                throw new InvalidDataException(state.problem());
            }
            return new DryRun(pass.facts(), state.statistics(), state.tally());
        }
    }

    private Pass plan(JavaSparkContext spark) {
        Pass pass = input.plan(spark, recipe, partitions, progress);
        pass.notices().forEach(notices);
        return pass;
    }

    private CalibrationResult calibrated(JavaSparkContext spark, Pass pass) {
        TaskState state = run(spark, pass, Depth.VALUES);
        return new CalibrationResult(
                recipe,
                state.statistics(),
                state.problem(),
                state.tally(),
                pass.partitions(),
                spark.version(),
                spark.master(),
                !pass.readsTensors());
    }

    private TaskState run(JavaSparkContext spark, Pass pass, Depth depth) {
        Work work = depth == Depth.VALUES ? pass.work() : new Work.Nothing();
        return pass.withContext(() -> progress.track(spark, pass.description(), work, (observed, samples) -> {
            int mergers = Math.max(1, Math.min(spark.defaultParallelism(), pass.partitions()));
            List<byte[]> merged = pass.states(depth, observed, samples)
                    .partitionBy(new HashPartitioner(mergers))
                    .mapPartitions(CalibrationJob::merge)
                    .collect();
            TaskState all = TaskState.of(pass.corpus(), Tally.NONE);
            merged.forEach(state -> all.merge(TaskState.fromByteArray(state)));
            return all;
        }));
    }

    private static Iterator<byte[]> merge(Iterator<Tuple2<Integer, byte[]>> parts) {
        TaskState state = new TaskState();
        parts.forEachRemaining(part -> state.merge(TaskState.fromByteArray(part._2())));
        return List.of(state.toByteArray()).iterator();
    }

    /** A task's state as rows for the shuffle. */
    static Iterator<Tuple2<Integer, byte[]>> rows(TaskState state) {
        return state.parts().entrySet().stream()
                .map(part -> new Tuple2<>(part.getKey(), part.getValue().toByteArray()))
                .iterator();
    }
}
