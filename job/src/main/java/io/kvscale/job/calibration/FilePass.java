package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/** Over capture files, cut into splits. */
final class FilePass implements Pass {
    private final JavaSparkContext spark;
    private final Recipe recipe;
    private final CaptureListing listing;
    private final List<Split> splits;
    private final Broadcast<SerializableConfiguration> configuration;

    FilePass(JavaSparkContext spark, Recipe recipe, CaptureListing listing, int partitions) {
        this.spark = spark;
        this.recipe = recipe;
        this.listing = listing;
        int cores = Math.max(1, spark.defaultParallelism());
        this.splits = Split.plan(listing.files(), partitions > 0 ? partitions : Split.count(listing.files(), cores));
        this.configuration = spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
    }

    @Override
    public String description() {
        return listing.files().size() + " files in " + splits.size() + " splits";
    }

    @Override
    public Work work() {
        return new Work.Bytes(listing.bytes());
    }

    @Override
    public int partitions() {
        return splits.size();
    }

    @Override
    public Map<String, String> shown() {
        Map<String, String> shown = new LinkedHashMap<>();
        shown.put("files", String.valueOf(listing.files().size()));
        shown.put("bytes", String.valueOf(listing.bytes()));
        shown.put("splits", String.valueOf(splits.size()));
        return shown;
    }

    /** Tasks count the files. */
    @Override
    public Corpus corpus() {
        return Corpus.EMPTY;
    }

    @Override
    public JavaPairRDD<Integer, byte[]> states(Depth depth, LongAccumulator observed, LongAccumulator samples) {
        CaptureOptions options = recipe.capture();
        SlotSchemes schemes = recipe.schemes();
        StatisticsKind kind = recipe.statistics();
        Broadcast<SerializableConfiguration> shipped = configuration;
        int attempts = SparkRuntime.attempts(spark.getConf());
        return spark.parallelize(splits.stream().map(JavaSerde::bytes).toList(), splits.size())
                .flatMapToPair(split -> TaskState.rows(settled(
                        CalibrationTask.run(
                                JavaSerde.value(split, Split.class),
                                schemes,
                                kind,
                                options,
                                shipped.value().value(),
                                depth,
                                observed::add),
                        attempts)));
    }

    /** Lets Spark try again where a read failed for a reason that may pass; the last attempt's failure is a value. */
    private static CalibrationTask.Outcome settled(CalibrationTask.Outcome outcome, int attempts) {
        IOException failure = outcome.readFailure();
        if (failure != null && TaskContext.get().attemptNumber() + 1 < attempts) {
            throw new UncheckedIOException("a capture cannot be read, trying again", failure);
        }
        return outcome;
    }
}
