package io.kvscale.job.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.job.SharedSpark;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.task.FailedSamples;
import io.kvscale.task.PhaseNanos;
import io.kvscale.task.Tally;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How the calibration job uses Spark. */
class CalibrationJobTest {
    private static final Recipe RECIPE = Recipe.parse("""
            kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, symmetric: true}
            kvscale:
              key: {tensors: 'layers\\.(?P<layer>\\d+)\\.keys'}
              ignore: ['layers\\.1\\.']
              value: {scheme: {strategy: group, group_size: 16}}
            """, "test");

    private static CalibrationResult sample(int partitions) {
        SharedSpark.context();
        CaptureListing listing = CaptureListing.of(List.of("../conf/sample"), new Configuration());
        return CalibrationJob.ofCaptures(SparkRuntime.of(null, Map.of()), RECIPE, listing)
                .partitions(partitions)
                .execute();
    }

    /** Runs the action. @return the descriptions of the Spark jobs that it started */
    private static List<String> sparkJobs(Runnable action) throws Exception {
        List<String> jobs = new CopyOnWriteArrayList<>();
        SparkListener listener = new SparkListener() {
            @Override
            public void onJobStart(SparkListenerJobStart start) {
                jobs.add(String.valueOf(start.properties().getProperty("spark.job.description")));
            }
        };
        var spark = SharedSpark.context().sc();
        spark.addSparkListener(listener);
        try {
            action.run();
            spark.listenerBus().waitUntilEmpty();
        } finally {
            spark.removeSparkListener(listener);
        }
        return jobs;
    }

    @Test
    void aCalibrationIsOneSparkJobInANamedGroup() throws Exception {
        assertThat(sparkJobs(() -> sample(5))).containsExactly("kvscale: 2 files in 5 splits");
    }

    @Test
    void aDryRunReadsHeadersInOneSparkJob() throws Exception {
        CaptureListing listing = CaptureListing.of(List.of("../conf/sample"), new Configuration());
        CalibrationJob job = CalibrationJob.ofCaptures(SparkRuntime.of(null, Map.of()), RECIPE, listing)
                .partitions(3);
        assertThat(sparkJobs(() -> {
                    DryRun run = job.dryRun();
                    assertThat(run.facts()).containsEntry("splits", "3");
                    assertThat(run.headers().slots()).hasSize(58);
                }))
                .containsExactly("kvscale: 2 files in 3 splits, headers");
    }

    @Test
    void feedbackRunsTheModelInTwoSparkJobsAndADryRunInNone() throws Exception {
        Recipe recipe = Recipe.parse("""
                kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor}
                kvscale: {feedback: fake_quantize, chunk_tokens: 16, num_calibration_samples: 3}
                """, "test");
        CalibrationJob job = CalibrationJob.ofText(
                        SparkRuntime.of(null, Map.of()),
                        recipe,
                        "../conf/tiny-model",
                        TextInput.paths(List.of("../conf/tiny-model/texts.jsonl")),
                        null,
                        null)
                .partitions(2);
        assertThat(sparkJobs(() -> assertThat(job.execute().problem()).isNull()))
                .filteredOn(description -> description.contains(" tasks"))
                .satisfiesExactly(
                        first -> assertThat(first).endsWith(" tasks, for the scales to feed back"),
                        second -> assertThat(second).endsWith(" tasks"));
        assertThat(sparkJobs(() -> assertThat(job.dryRun().headers()).isNull()))
                .isNotEmpty()
                .noneMatch(description -> description.contains(" tasks"));
    }

    @Test
    void aCalibrationOfATableIsOneSparkJob() throws Exception {
        var session = org.apache.spark.sql.classic.SparkSession.builder()
                .sparkContext(SharedSpark.context().sc())
                .getOrCreate();
        session.sql("select 's' sample, 0 layer, r role, array(1L, 1L, 1L, 2L) shape, 'F32' dtype,"
                        + " unhex('0000803f000080bf') data from values ('k'), ('v') t(r)")
                .createOrReplaceTempView("kv");
        Recipe recipe = Recipe.parse("kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor}", "test");
        CalibrationJob job = CalibrationJob.ofTable(SparkRuntime.of(null, Map.of()), recipe, TableInput.named("kv"));
        try {
            assertThat(sparkJobs(() -> {
                        CalibrationResult result = job.execute();
                        assertThat(result.problem()).isNull();
                        assertThat(result.tally().readBytes()).isEqualTo(16);
                        assertThat(result.statistics().slots()).hasSize(2);
                    }))
                    .containsExactly("kvscale: table kv");
        } finally {
            session.catalog().dropTempView("kv");
        }
    }

    @Test
    void aRunningContextIsNotStopped() {
        sample(2);
        assertThat(SharedSpark.context().sc().isStopped()).isFalse();
        assertThat(SharedSpark.context().sc().getPersistentRDDs().isEmpty()).isTrue();
    }

    @Test
    void theTallyCountsAllTasks() {
        CalibrationResult result = sample(9);
        assertThat(result.problem()).isNull();
        // Layer 1 is ignored; headers are read once per piece.
        assertThat(result.statistics().slots()).hasSize(58);
        assertThat(result.tally().readBytes()).isGreaterThan(58 * 120 * 192 * 2);
        assertThat(result.statistics().corpus().files()).isEqualTo(2);
    }

    static Stream<Serializable> shipped() {
        InputFile file = new InputFile("hdfs://host/in/a.safetensors", "a.safetensors", "in", 12);
        return Stream.of(
                RECIPE,
                RECIPE.capture(),
                RECIPE.schemes().key(),
                QuantizationScheme.fp8(),
                new Split(new ArrayList<>(List.of(new FilePiece(file, 0, 5), new FilePiece(file, 5, 12)))),
                DataProblem.of("what", "remedy")
                        .inFile("f")
                        .inTensor("t")
                        .inSlot(new Slot(1, Role.VALUE))
                        .inSample(new Sample("s", 3)),
                new Tally(1, 2, 3, 4, 5, List.of("name"), FailedSamples.NONE, PhaseNanos.NONE));
    }

    @ParameterizedTest
    @MethodSource("shipped")
    void valuesForExecutorsSurviveJavaSerialization(Serializable value) {
        assertThat((Object) JavaSerde.value(JavaSerde.bytes(value), value.getClass()))
                .isEqualTo(value);
    }

    @Test
    void mergedStatisticsSurviveSerialization() {
        CalibrationResult result = sample(3);
        var statistics = result.statistics();
        assertThat(io.kvscale.observer.CalibrationStatistics.fromByteArray(statistics.toByteArray())
                        .toByteArray())
                .isEqualTo(statistics.toByteArray());
    }

    @Test
    void aHundredThousandFilesArePlannedWithinAFewMegabytes() throws Exception {
        List<InputFile> files = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            String name = "request-" + i / 100 + "/sample-" + i + ".safetensors";
            files.add(new InputFile("hdfs://namenode:8020/captures/" + name, name, "captures", 4_000));
        }
        List<Split> splits = Split.plan(files, 64);
        assertThat(splits).hasSize(64);
        assertThat(splits.stream().mapToInt(split -> split.pieces().size()).sum())
                .isBetween(100_000, 100_063);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ObjectOutputStream objects = new ObjectOutputStream(out)) {
            for (Split split : splits) {
                objects.writeObject(JavaSerde.bytes(split));
            }
        }
        assertThat(out.size()).isLessThan(20_000_000);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "local | 1",
                "local[*] | 1",
                "local[4] | 1",
                "local[2,4] | 4",
                "local[*, 3] | 3",
                "local-cluster[2,1,1024] | 4",
                "spark://host:7077 | 4",
                "yarn | 4"
            })
    void attemptsFollowTheMasterUrl(String master, int attempts) {
        assertThat(SparkRuntime.attempts(new SparkConf(false).setMaster(master)))
                .isEqualTo(attempts);
    }
}
