package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.ForeignCapture;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.HeadLikeness;
import io.kvscale.task.SampleSurvey;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.jspecify.annotations.Nullable;

/** A pass over capture files, cut into splits. */
record FilePass(
        JavaSparkContext spark,
        Recipe recipe,
        CaptureListing listing,
        List<Split> splits,
        Broadcast<SerializableConfiguration> configuration)
        implements Pass {
    /** Cuts the files into splits; reads nothing. */
    static FilePass plan(JavaSparkContext spark, Recipe recipe, CaptureListing listing, int partitions) {
        int cores = Math.max(1, spark.defaultParallelism());
        int count = partitions > 0 ? partitions : Split.count(listing.files(), cores);
        return new FilePass(
                spark,
                recipe,
                listing,
                Split.plan(listing.files(), count),
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration())));
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
    public List<String> notices() {
        boolean tables = listing.mayHoldTables();
        return listing.mayHoldTensors()
                ? tables
                        ? unused("captures", Input.TENSORS, Input.TABLES)
                        : unused("captures of named tensors", Input.TENSORS)
                : unused("tables", Input.TABLES);
    }

    @Override
    public String maskRemedy() {
        return listing.mayHoldTensors() ? Pass.super.maskRemedy() : "";
    }

    @Override
    public int partitions() {
        return splits.size();
    }

    @Override
    public Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("files", String.valueOf(listing.files().size()));
        facts.put("bytes", String.valueOf(listing.bytes()));
        facts.put("splits", String.valueOf(splits.size()));
        return facts;
    }

    @Override
    public JavaPairRDD<Integer, byte[]> states(
            Depth depth, StatisticsKind kind, LongAccumulator observed, LongAccumulator samples) {
        CaptureOptions options = recipe.capture();
        SlotSchemes schemes = recipe.schemes();
        Broadcast<SerializableConfiguration> shipped = configuration;
        RetryPolicy retries = new RetryPolicy(SparkRuntime.attempts(spark.getConf()));
        return spark.parallelize(splits.stream().map(JavaSerde::bytes).toList(), splits.size())
                .flatMapToPair(split -> CalibrationJob.rows(CalibrationTask.run(
                        JavaSerde.value(split, Split.class),
                        schemes,
                        kind,
                        options,
                        shipped.value().value(),
                        depth,
                        observed::add,
                        retries::failed)));
    }

    @Override
    public JavaPairRDD<String, byte[]> survey(TreeSet<Slot> scanned, LongAccumulator looked) {
        CaptureOptions options = recipe.capture();
        Broadcast<SerializableConfiguration> shipped = configuration;
        return spark.parallelize(splits.stream().map(JavaSerde::bytes).toList(), splits.size())
                .flatMapToPair(split -> Pass.rows(SampleSurvey.of(
                        JavaSerde.value(split, Split.class),
                        options,
                        shipped.value().value(),
                        scanned,
                        looked::add)));
    }

    @Override
    public @Nullable DataProblem wrongLayout() {
        return HeadLikeness.problem(listing.files(), recipe.capture(), spark.hadoopConfiguration());
    }

    @Override
    public @Nullable DataProblem nothingFound() {
        return ForeignCapture.problem(listing.files().get(0), recipe.capture(), spark.hadoopConfiguration());
    }
}
