package io.kvscale.job.history;

import io.kvscale.input.InputFile;
import io.kvscale.job.export.OutputException;
import io.kvscale.job.report.PastScales;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** The run that is under way, and the log in which it becomes a line: when it is done or has failed, not when it is killed. */
public final class RunHistory {
    /** The fields of a run record that a line has too. */
    private static final List<String> FIELDS = List.of(
            "started",
            "finished",
            "seconds",
            "application_id",
            "recipe",
            "recipe_sha256",
            "model_sha256",
            "table",
            "input_files",
            "corpus",
            "scales_sha256",
            "statistics_sha256",
            "read_bytes",
            "throughput_mb_per_s",
            "read_limit_ratio",
            "state",
            "output",
            "kvscale_version");

    private static final int MAX_INPUTS = 10;
    private static final int MAX_MESSAGE = 1_000;

    private final RunLog log;
    private final @Nullable String state;
    private final Configuration configuration;
    private final Instant started = Instant.now();
    private final Map<String, Object> known = new LinkedHashMap<>();
    private List<PastScales> past = List.of();

    private RunHistory(RunLog log, @Nullable String state, Configuration configuration) {
        this.log = log;
        this.state = state;
        this.configuration = configuration;
    }

    /**
     * Opens the log before the work begins, so that a bad path fails at once.
     *
     * @param state the folder of the state of the run; null for none
     * @throws OutputException if no line can be added to the log
     */
    public static RunHistory open(String log, @Nullable String state, Configuration configuration) {
        return new RunHistory(RunLog.open(log, configuration), state, configuration);
    }

    /** Sets a field that is known before the run is done, for the line of one that fails. */
    public void know(String field, @Nullable Object value) {
        if (value != null) {
            known.put(field, value);
        }
    }

    /** The inputs as given: the first ones, and how many there are. */
    public void inputs(List<String> given) {
        know("inputs", given.stream().limit(MAX_INPUTS).map(DataProblem::shown).toList());
        know("inputs_given", given.size());
    }

    /**
     * The scales of earlier runs, oldest first, then those of this one.
     *
     * @throws OutputException if the log cannot be read
     */
    public List<PastScales> with(ScaleTable table) {
        past = log.past();
        List<PastScales> all = new ArrayList<>(past);
        all.add(PastScales.of(started, table));
        return all;
    }

    /**
     * Adds the line of a run that is done. Called after its result is there.
     *
     * @param run the content of {@code run.json}
     * @param files that were read; empty if they are not known
     * @throws OutputException if the log or the state cannot be written
     */
    public void done(Map<String, ?> run, ScaleTable table, List<InputFile> files) {
        PastScales now = PastScales.of(started, table);
        PastScales before = past.isEmpty() ? null : past.get(past.size() - 1);
        Map<String, Object> line = begin("done", 0);
        FIELDS.forEach(field -> {
            if (run.get(field) != null) {
                line.put(field, run.get(field));
            }
        });
        line.put("changed", changed(now, before, files));
        Map<String, Map<String, Object>> scales = new LinkedHashMap<>();
        now.scales()
                .forEach((slot, scale) -> scales.computeIfAbsent(slot.role().word(), role -> new LinkedHashMap<>())
                        .put(String.valueOf(slot.layer()), scale));
        line.put("scales", scales);
        log.add(line);
    }

    /** Adds the line of a run that failed. A log that cannot be written is not one more error. */
    public void failed(int exitCode, String message) {
        Map<String, Object> line = begin("failed", exitCode);
        Instant end = Instant.now();
        line.put("started", started.truncatedTo(ChronoUnit.MILLIS).toString());
        line.put("finished", end.truncatedTo(ChronoUnit.MILLIS).toString());
        line.put("seconds", ChronoUnit.MILLIS.between(started, end) / 1e3);
        line.put("message", message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE) + "...");
        try {
            log.add(line);
        } catch (OutputException e) {
            // The error of the run is the one to report.
        }
    }

    private Map<String, Object> begin(String outcome, int exitCode) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kvscale_run", RunLog.VERSION);
        line.put("outcome", outcome);
        line.put("exit_code", exitCode);
        line.putAll(known);
        return line;
    }

    /** What differs from the last run that gave scales. */
    private Map<String, Object> changed(PastScales now, @Nullable PastScales before, List<InputFile> files) {
        Map<String, Object> changed = new LinkedHashMap<>();
        if (before != null) {
            changed.put("since", before.time().toString());
            changed.putAll(scales(now, before));
        }
        if (state != null && !files.isEmpty()) {
            FileList list = FileList.of(files);
            FileList last = FileList.read(state, configuration);
            if (last != null) {
                FileList.Changes changes = list.since(last);
                changed.put("files_added", changes.added());
                changed.put("files_changed", changes.changed());
                changed.put("files_gone", changes.gone());
            }
            list.write(state, configuration);
        }
        return changed;
    }

    private static Map<String, Object> scales(PastScales now, PastScales before) {
        Map<String, Object> fields = new LinkedHashMap<>();
        int count = 0;
        Map<String, Object> largest = new LinkedHashMap<>();
        double distance = 0;
        for (Map.Entry<Slot, Float> slot : new TreeMap<>(now.scales()).entrySet()) {
            Float then = before.scales().get(slot.getKey());
            double here = then == null ? 0 : Math.abs(Math.log((double) slot.getValue() / then));
            count += then == null || here > 0 ? 1 : 0;
            if (then != null && here > distance) {
                distance = here;
                largest.put("layer", slot.getKey().layer());
                largest.put("role", slot.getKey().role().word());
                largest.put("from", then);
                largest.put("to", slot.getValue());
                largest.put("ratio", (double) slot.getValue() / then);
            }
        }
        fields.put("scales_changed", count);
        if (!largest.isEmpty()) {
            fields.put("largest_change", largest);
        }
        return fields;
    }
}
