package io.kvscale.job.calibration;

import io.kvscale.cache.CalibrationTask;
import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureOptions;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.Split;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.HashPartitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * One pass over a corpus on Spark, in one Spark job: every task runs a cache over its split, the states are merged by
 * slot in parallel, and the driver receives one merged state.
 *
 * <p>Merging is exact and free of order, so the result has the same bits for any partitioning, retries and speculative
 * copies.
 */
public final class CalibrationJob implements AutoCloseable {
    private final boolean ownsSpark;
    private final JavaSparkContext spark;
    private final Recipe recipe;
    private final CaptureListing listing;
    private final List<Split> splits;

    /**
     * Starts Spark and plans; reads nothing.
     *
     * @param partitions how many tasks to aim at; 0: enough for every core, of at most about 1 GB each
     */
    public CalibrationJob(SparkRuntime runtime, Recipe recipe, CaptureListing listing, int partitions) {
        this.ownsSpark = !SparkRuntime.isRunning();
        this.spark = runtime.context();
        this.recipe = recipe;
        this.listing = listing;
        int cores = Math.max(1, spark.defaultParallelism());
        this.splits = Split.plan(listing.files(), partitions > 0 ? partitions : Split.count(listing.files(), cores));
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
        if (ownsSpark) {
            spark.stop();
        }
    }

    public CaptureListing listing() {
        return listing;
    }

    public List<Split> splits() {
        return splits;
    }

    /**
     * Reads the corpus.
     *
     * @param depth {@code HEADERS} for a dry run
     */
    public CalibrationOutcome run(Depth depth, Progress progress) {
        CaptureOptions options = recipe.capture();
        Map<Role, QuantizationScheme> schemes = recipe.schemes();
        Broadcast<SerializableConfiguration> configuration =
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
        int attempts = SparkRuntime.attempts(spark.getConf());
        LongAccumulator bytes = spark.sc().longAccumulator(Progress.ACCUMULATOR);
        spark.setJobGroup("kvscale", "kvscale: " + listing.files().size() + " files in " + splits.size() + " splits");
        progress.begin(depth == Depth.VALUES ? listing.bytes() : 0);
        spark.sc().addSparkListener(progress);
        try {
            JavaPairRDD<Integer, byte[]> states = spark.parallelize(
                            splits.stream().map(Wire::bytes).toList(), splits.size())
                    .flatMapToPair(split -> TaskState.rows(settled(
                            CalibrationTask.run(
                                    Wire.split(split),
                                    schemes,
                                    options,
                                    configuration.value().value(),
                                    depth,
                                    bytes::add),
                            attempts)));
            int mergers = Math.max(1, Math.min(spark.defaultParallelism(), splits.size()));
            List<byte[]> merged = states.partitionBy(new HashPartitioner(mergers))
                    .mapPartitions(CalibrationJob::merge)
                    .collect();
            TaskState all = new TaskState();
            merged.forEach(row -> all.merge(TaskState.fromByteArray(row)));
            return all.outcome();
        } finally {
            progress.finish();
            spark.sc().removeSparkListener(progress);
            spark.clearJobGroup();
            configuration.destroy();
        }
    }

    /** Lets Spark try again where a read failed for a reason that may pass; the last attempt's failure is a value. */
    private static CalibrationTask.Outcome settled(CalibrationTask.Outcome outcome, int attempts) {
        IOException failure = outcome.readFailure();
        if (failure != null && TaskContext.get().attemptNumber() + 1 < attempts) {
            throw new UncheckedIOException("a capture cannot be read, trying again", failure);
        }
        return outcome;
    }

    private static Iterator<byte[]> merge(Iterator<Tuple2<Integer, byte[]>> rows) {
        TaskState state = new TaskState();
        rows.forEachRemaining(row -> state.merge(TaskState.fromByteArray(row._2())));
        return List.of(state.toByteArray()).iterator();
    }
}
