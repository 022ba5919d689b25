package io.kvscale.job.command;

import io.kvscale.input.UserInfo;
import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.calibration.RunFacts;
import io.kvscale.job.calibration.TextRun;
import io.kvscale.job.convergence.ConvergenceJson;
import io.kvscale.job.state.LocalHost;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.task.PhaseNanos;
import io.kvscale.task.Tally;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** The content of {@code run.json}: times, inputs, versions and throughput of one run. */
final class RunRecord {
    private final Instant start = Instant.now();
    private final List<String> inputs;
    private final @Nullable String table;
    private final @Nullable String modelConfig;
    private final Map<String, Object> recipe = new LinkedHashMap<>();
    private List<String> uris = List.of();
    private long calibrated = System.nanoTime();

    /**
     * @param inputs the paths that are read, as given
     * @param table the table that is read instead; null for none
     * @param modelConfig the path of the model's config.json as given; null for none
     */
    RunRecord(List<String> inputs, @Nullable String table, @Nullable String modelConfig) {
        this.inputs = List.copyOf(inputs);
        this.table = table;
        this.modelConfig = modelConfig;
    }

    /** Names the recipe, and makes the paths of the inputs whole. */
    RunRecord of(String recipeFile, Configuration hadoop) {
        recipe.put("recipe", recipeFile);
        recipe.put("recipe_sha256", DigestUtils.sha256Hex(HadoopFiles.bytes(recipeFile, hadoop)));
        uris = inputs.stream()
                .map(input -> HadoopFiles.qualified(input, hadoop))
                .toList();
        return this;
    }

    /** Marks the end of the calibration: what follows is the report. */
    void calibrated() {
        calibrated = System.nanoTime();
    }

    /**
     * The record of a run that ends now.
     *
     * @param scales the table that it writes
     * @param result null for a run without Spark
     */
    Map<String, Object> finish(ScaleTable scales, @Nullable CalibrationResult result) {
        Instant end = Instant.now();
        long ended = System.nanoTime();
        double seconds = Duration.between(start, end).toMillis() / 1e3;
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("started", start.truncatedTo(ChronoUnit.MILLIS).toString());
        run.put("finished", end.truncatedTo(ChronoUnit.MILLIS).toString());
        run.put("seconds", seconds);
        run.put("inputs", inputs.stream().map(UserInfo::hidden).toList());
        run.put("input_uris", uris);
        putIfKnown(run, "table", table);
        putIfKnown(run, "model_config", modelConfig);
        putIfKnown(run, "model", scales.provenance().model());
        run.putAll(recipe);
        run.put("corpus", corpus(scales.corpus()));
        run.put("scales_sha256", scales.sha256());
        putIfKnown(run, "statistics_sha256", scales.provenance().statisticsSha256());
        run.put("kvscale_version", Version.kvscale());
        run.put("java_version", System.getProperty("java.version"));
        run.put("host", LocalHost.name());
        if (result != null) {
            Tally tally = result.tally();
            run.put("read_bytes", tally.readBytes());
            run.put("task_seconds", tally.nanos() / 1e9);
            run.put("throughput_mb_per_s", tally.readBytes() / 1e6 / Math.max(seconds, 1e-3));
            TextRun text = result.text();
            if (text != null) {
                run.put("tokens", text.tokens());
                run.put("tokens_per_s", text.tokens() / Math.max(seconds, 1e-3));
                Map<String, Double> wall = new LinkedHashMap<>(text.wallSeconds());
                wall.put("report", (ended - calibrated) / 1e9);
                run.put("wall_seconds_by_phase", wall);
                run.put("task_seconds_by_phase", taskSeconds(text.tasks()));
            }
            run.put("partitions", result.partitions());
            run.put("spark_version", result.sparkVersion());
            run.put("master", result.master());
            if (result.convergence() != null) {
                run.put("convergence", ConvergenceJson.fields(result.convergence(), Integer.MAX_VALUE));
            }
            RunFacts facts = result.facts();
            run.put("application_id", facts.applicationId());
            run.put("application_name", facts.applicationName());
            run.put("user", facts.user());
            putIfKnown(run, "model_sha256", facts.modelSha256());
            if (facts.readLimitRatio() != null) {
                run.put("read_limit_ratio", facts.readLimitRatio());
            }
            if (!facts.files().isEmpty()) {
                run.put("input_files", InputIdentity.of(facts.files()).fields());
            }
            if (result.state() != null) {
                run.put("state", result.state().fields());
            }
        }
        return run;
    }

    private static Map<String, Object> corpus(ScaleTable.CorpusSummary corpus) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("fingerprint", corpus.fingerprint());
        fields.put("files", corpus.files());
        fields.put("samples", corpus.samples());
        fields.put("tokens", corpus.tokens());
        fields.put("values", corpus.values());
        return fields;
    }

    private static Map<String, Double> taskSeconds(PhaseNanos tasks) {
        Map<String, Double> seconds = new LinkedHashMap<>();
        seconds.put("model", tasks.model() / 1e9);
        seconds.put("forward", tasks.forward() / 1e9);
        seconds.put("merge", tasks.merge() / 1e9);
        return seconds;
    }

    private static void putIfKnown(Map<String, Object> run, String field, @Nullable String text) {
        if (text != null) {
            run.put(field, text);
        }
    }
}
