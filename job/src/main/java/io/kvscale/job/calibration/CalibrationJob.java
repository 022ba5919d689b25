package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.scheme.ScaleTable;
import io.kvscale.tensor.InvalidDataException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaSparkContext;
import scala.Tuple2;

/**
 * A pass over a corpus on Spark, each in one Spark job: every task runs a cache over its split, the states are merged by
 * slot in parallel, and the driver receives one merged state. Texts are read and tokenized before, in jobs of their own.
 *
 * <p>Merging is exact and free of order, so the result has the same bits for any partitioning, retries and speculative
 * copies.
 */
public final class CalibrationJob implements AutoCloseable {
    private final RunningSpark running;
    private final JavaSparkContext spark;
    private Pass pass;

    /**
     * Over capture files: starts Spark and plans; reads nothing.
     *
     * @param partitions how many tasks to aim at; 0: enough for every core, of at most about 1 GB each
     */
    public CalibrationJob(SparkRuntime runtime, Recipe recipe, CaptureListing listing, int partitions) {
        this(runtime, spark -> new FilePass(spark, recipe, listing, partitions));
    }

    /**
     * Over a table: starts Spark, looks the table up and checks its columns.
     *
     * @param partitions the most tasks; 0: as many as Spark plans
     * @throws InvalidDataException if there is no such table, or its columns are not K and V
     */
    public CalibrationJob(SparkRuntime runtime, Recipe recipe, TableInput table, int partitions) {
        this(checked(table, recipe, runtime), spark -> new TablePass(spark, recipe, table, partitions));
    }

    /**
     * Over text: starts Spark, checks the model, reads the texts and chooses among them.
     *
     * @param partitions how many tasks to aim at; 0: enough for every core
     * @param progress shows how far the reading is
     * @throws InvalidDataException if the model or a text is not as it should be
     */
    public CalibrationJob(SparkRuntime runtime, Recipe recipe, TextSource text, int partitions, Progress progress) {
        this(runtime, spark -> TextPass.of(spark, recipe, text, partitions, progress));
    }

    private static SparkRuntime checked(TableInput table, Recipe recipe, SparkRuntime runtime) {
        table.check(recipe);
        return runtime;
    }

    private CalibrationJob(SparkRuntime runtime, Function<JavaSparkContext, Pass> planned) {
        this.running = runtime.start();
        this.spark = running.context();
        this.pass = running.opening(planned);
    }

    public String sparkVersion() {
        return spark.version();
    }

    public String master() {
        return spark.master();
    }

    /** Stops Spark, unless it ran before. */
    @Override
    public void close() {
        try (running) {
            pass.close();
        }
    }

    /** How many tasks there are. */
    public int partitions() {
        return pass.partitions();
    }

    /** What is known of the corpus before it is read, as label and text. */
    public Map<String, String> shown() {
        return pass.shown();
    }

    /** Whether there are tensors, of which a run over headers tells. */
    public boolean readsTensors() {
        return pass.readsTensors();
    }

    /** What the user should be told before it runs. */
    public List<String> notices() {
        return pass.notices();
    }

    /** Whether the run to come is for scales only, which {@link #feedBack} takes before the one that counts. */
    public boolean wantsScales() {
        return pass.wantsScales();
    }

    /** Has the next run observe with these scales in force. */
    public void feedBack(ScaleTable scales) {
        pass = pass.with(scales);
    }

    /**
     * Reads the corpus.
     *
     * @param depth {@code HEADERS} for a dry run
     */
    public CalibrationOutcome run(Depth depth, Progress progress) {
        Work work = depth == Depth.VALUES ? pass.work() : new Work.Nothing();
        return pass.named(() -> progress.of(spark, pass.description(), work, (observed, samples) -> {
            int mergers = Math.max(1, Math.min(spark.defaultParallelism(), pass.partitions()));
            List<byte[]> merged = pass.states(depth, observed, samples)
                    .partitionBy(new HashPartitioner(mergers))
                    .mapPartitions(CalibrationJob::merge)
                    .collect();
            TaskState all = new TaskState();
            merged.forEach(row -> all.merge(TaskState.fromByteArray(row)));
            return all.outcome(pass.corpus());
        }));
    }

    private static Iterator<byte[]> merge(Iterator<Tuple2<Integer, byte[]>> rows) {
        TaskState state = new TaskState();
        rows.forEachRemaining(row -> state.merge(TaskState.fromByteArray(row._2())));
        return List.of(state.toByteArray()).iterator();
    }
}
