package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.ForeignCapture;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.RunMetrics;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.task.HeadLikeness;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
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
        Broadcast<SerializableConfiguration> configuration,
        @Nullable KeptGroups kept)
        implements Pass {
    /**
     * Cuts the files into splits; reads no captures.
     *
     * @param state what earlier runs read; null for none
     */
    static FilePass plan(
            JavaSparkContext spark, Recipe recipe, CaptureListing listed, int partitions, @Nullable StateFolder state) {
        CaptureListing listing = state == null ? listed : listed.withChanges(spark.hadoopConfiguration());
        BatchLimit.check(
                listing.files(),
                recipe,
                spark.getConf().getSizeAsBytes("spark.driver.maxResultSize", "1g"),
                spark.hadoopConfiguration());
        int cores = Math.max(1, spark.defaultParallelism());
        int count = partitions > 0 ? partitions : Split.count(listing.files(), cores);
        Broadcast<SerializableConfiguration> configuration =
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
        return new FilePass(
                spark,
                recipe,
                listing,
                Split.plan(listing.files(), count),
                configuration,
                state == null ? null : new KeptGroups(spark, state, listing.files(), partitions, configuration));
    }

    @Override
    public String description() {
        return listing.files().size() + " files in "
                + (kept == null ? splits.size() + " splits" : kept.described(observation(recipe.kept())));
    }

    @Override
    public Work work() {
        return new Work.Bytes(
                kept == null
                        ? listing.bytes()
                        : kept.plan(observation(recipe.kept())).freshBytes());
    }

    private Observation observation(StatisticsKind kind) {
        return Observation.statistics(recipe.capture(), recipe.schemes(), kind);
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
        return kept == null ? splits.size() : kept.tasks(observation(recipe.kept()));
    }

    @Override
    public List<InputFile> files() {
        return listing.files();
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
        ObservedGroup reader = new ObservedGroup(
                recipe.schemes(),
                kind,
                recipe.capture(),
                configuration,
                depth,
                observed,
                new RetryPolicy(SparkRuntime.attempts(spark.getConf())),
                RunMetrics.of(spark).time());
        return kept == null || depth == Depth.HEADERS ? ofSplits(reader) : kept.run(observation(kind), reader);
    }

    @Override
    public JavaPairRDD<String, byte[]> survey(TreeSet<Slot> scanned, LongAccumulator looked) {
        SurveyedGroup reader = new SurveyedGroup(recipe.capture(), configuration, scanned, looked);
        return kept == null ? ofSplits(reader) : kept.run(Observation.survey(recipe.capture(), scanned), reader);
    }

    private <K, T> JavaPairRDD<K, byte[]> ofSplits(GroupReader<K, T> reader) {
        return spark.parallelize(splits.stream().map(JavaSerde::bytes).toList(), splits.size())
                .flatMapToPair(split -> reader.rows(reader.read(JavaSerde.value(split, Split.class))));
    }

    @Override
    public @Nullable DataProblem wrongLayout() {
        CaptureOptions options = recipe.capture();
        List<InputFile> first = HeadLikeness.first(listing.files());
        Observation layout = Observation.layout(options);
        if (kept == null) {
            return HeadLikeness.problem(first, options, spark.hadoopConfiguration());
        } else if (kept.holds(layout, first)) {
            return null;
        }
        try {
            DataProblem problem = HeadLikeness.judge(first, options, spark.hadoopConfiguration());
            if (problem == null) {
                kept.keep(layout, first);
            }
            return problem;
        } catch (InvalidDataException e) {
            return null; // the pass over all files reports it
        }
    }

    @Override
    public @Nullable StateUse stateUse() {
        return kept == null ? null : kept.use();
    }

    @Override
    public List<String> finishState() {
        return kept == null ? List.of() : kept.finish();
    }

    @Override
    public @Nullable DataProblem nothingFound() {
        return ForeignCapture.problem(listing.files().get(0), recipe.capture(), spark.hadoopConfiguration());
    }
}
