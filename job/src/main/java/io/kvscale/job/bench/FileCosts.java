package io.kvscale.job.bench;

import com.sun.management.OperatingSystemMXBean;
import io.kvscale.capture.CaptureListing;
import io.kvscale.input.Split;
import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RunningSpark;
import io.kvscale.job.spark.SparkRuntime;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * What a corpus of many small files costs, stage by stage, in CPU time of the whole process and in heap of the driver. Each stage
 * runs over a tenth of the files, twice, and then over all: the first time is left out, because the JIT compiler takes most of it.
 */
public final class FileCosts {
    private static final int PART = 10;
    /** The step of the CPU time that Linux tells of a process. */
    private static final double TICK = 0.01;

    private static final double MILLION = 1e6;
    private static final String FP8 = "kv_cache_scheme: {num_bits: 8, type: float}\n";
    private static final String BATCHES =
            "kv_cache_scheme: {num_bits: 8, type: float, dynamic: false, observer: minmax}\n";

    private final Path parent;
    private final int files;
    private final OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /** @param parent folder for a temporary folder of captures */
    public FileCosts(Path parent, int files) {
        this.parent = parent;
        this.files = files;
    }

    /** CPU seconds of the stages, and bytes of heap that their results hold, by name. */
    private final class Stages {
        final Map<String, Double> seconds = new LinkedHashMap<>();
        final Map<String, Long> held = new LinkedHashMap<>();

        <T> T run(String name, Callable<T> stage) throws Exception {
            long before = heap();
            long begin = process.getProcessCpuTime();
            T result = stage.call();
            seconds.put(name, (process.getProcessCpuTime() - begin) / 1e9);
            held.put(name, heap() - before);
            return result;
        }

        private static long heap() {
            System.gc();
            return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        }
    }

    /** Measures on all cores of this machine. Returns figures by name. */
    public Map<String, Object> run() throws Exception {
        SparkRuntime runtime = SparkRuntime.of(null, Map.of());
        Stages few;
        Stages all;
        try (RunningSpark running = runtime.start()) {
            int part = Math.max(1, files / PART);
            try (GeneratedCaptures captures = GeneratedCaptures.writeMany(parent, part)) {
                measure(captures, runtime, running.context());
                few = measure(captures, runtime, running.context());
            }
            try (GeneratedCaptures captures = GeneratedCaptures.writeMany(parent, files)) {
                all = measure(captures, runtime, running.context());
            }
        }
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("files", files);
        figures.put("file_bytes", CaptureShape.TINY.fileBytes());
        all.seconds.forEach((stage, seconds) -> {
            double less = few.seconds.getOrDefault(stage, 0.0);
            figures.put(stage + "_cpu_seconds", seconds);
            figures.put(stage + "_ms_per_file", 1e3 * (seconds - less) / (files - files / PART));
            figures.put(stage + "_growth", seconds / Math.max(TICK, less));
        });
        all.held.forEach((stage, bytes) -> figures.put(stage + "_heap_bytes_per_file", bytes / (double) files));
        figures.put("heap_max_mb", Runtime.getRuntime().maxMemory() / MILLION);
        figures.put("java", System.getProperty("java.version"));
        figures.put("cores", Runtime.getRuntime().availableProcessors());
        return figures;
    }

    private Stages measure(GeneratedCaptures captures, SparkRuntime runtime, JavaSparkContext spark) throws Exception {
        Stages stages = new Stages();
        CaptureListing listing = stages.run(
                "list", () -> CaptureListing.of(List.of(captures.folder().toString()), spark.hadoopConfiguration()));
        int count = Split.count(listing.files(), spark.defaultParallelism());
        List<byte[]> splits = stages.run(
                "plan",
                () -> Split.plan(listing.files(), count).stream()
                        .map(JavaSerde::bytes)
                        .toList());
        stages.run(
                "start",
                () -> spark.parallelize(splits, splits.size())
                        .map(split ->
                                JavaSerde.value(split, Split.class).pieces().size())
                        .reduce(Integer::sum));
        stages.run(
                "headers",
                () -> CalibrationJob.ofCaptures(runtime, recipe(FP8), listing).dryRun());
        stages.run("ranges", () -> calibrate(runtime, FP8, listing));
        stages.run("minmax", () -> calibrate(runtime, BATCHES, listing));
        return stages;
    }

    private static Recipe recipe(String yaml) {
        return Recipe.parse(yaml, "bench.yaml");
    }

    private static CalibrationResult calibrate(SparkRuntime runtime, String yaml, CaptureListing listing)
            throws IOException {
        CalibrationResult result =
                CalibrationJob.ofCaptures(runtime, recipe(yaml), listing).execute();
        if (result.problem() != null) {
            throw new IOException("the generated captures are invalid: " + result.problem());
        }
        return result;
    }
}
