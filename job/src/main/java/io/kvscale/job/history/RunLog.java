package io.kvscale.job.history;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.input.UserInfo;
import io.kvscale.job.export.OutputException;
import io.kvscale.job.report.PastScales;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.file.Files;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * A log of runs, {@code --run-log}: a line of JSON for each. On a local file system it is a file to which lines are appended.
 * On others, and where a folder has the name, it is a folder that gets a file for each run.
 *
 * @param name as the command line says it
 */
record RunLog(String name, LineStore store) {
    /** Every line begins so; the number is the version of its fields. */
    static final String START = "{\"kvscale_run\":";

    static final int VERSION = 1;

    /** Longer histories are cut: a report shows no more. */
    private static final int MAX_RUNS = 100;

    /** @throws OutputException if no line can be added, or there is something else than a log */
    static RunLog open(String file, Configuration configuration) {
        try {
            Path path = new Path(file);
            java.nio.file.Path local = path.getFileSystem(configuration) instanceof LocalFileSystem fs
                    ? fs.pathToFile(path).toPath()
                    : null;
            LineStore store = local == null || Files.isDirectory(local)
                    ? new FileForEachRun(path, configuration)
                    : new AppendedFile(local);
            store.prepare();
            return new RunLog(file, store);
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw failed(file, e);
        }
    }

    private static OutputException failed(String file, Throwable e) {
        return OutputException.refused(
                "the log of runs " + DataProblem.shown(file) + " cannot be used", e, "file with --run-log");
    }

    /** @throws OutputException if it cannot be written */
    void add(Map<String, ?> line) {
        try {
            // Inputs, outputs and messages are as given and as printed.
            store.add(UserInfo.hidden(Json.MAPPER.writeValueAsString(line)));
        } catch (IOException | FSError e) {
            throw failed(name, e);
        }
    }

    /**
     * The scales of earlier runs that gave some, oldest first. Lines that are damaged, or of failed runs, are left out.
     *
     * @throws OutputException if the log cannot be read
     */
    List<PastScales> past() {
        List<PastScales> runs = new ArrayList<>();
        try {
            for (String line : store.newest()) {
                PastScales run = parsed(line);
                if (run != null) {
                    runs.add(run);
                }
            }
        } catch (IOException | FSError e) {
            throw failed(name, e);
        }
        return List.copyOf(runs.subList(Math.max(0, runs.size() - MAX_RUNS), runs.size()));
    }

    private static @Nullable PastScales parsed(String line) {
        try {
            JsonNode run = Json.MAPPER.readTree(line);
            if (run.path("kvscale_run").asInt() != VERSION
                    || !run.path("scales").isObject()) {
                return null;
            }
            SortedMap<Slot, Float> scales = new TreeMap<>();
            for (Map.Entry<String, JsonNode> role : run.get("scales").properties()) {
                for (Map.Entry<String, JsonNode> layer : role.getValue().properties()) {
                    float scale = layer.getValue().floatValue();
                    int number = Integer.parseInt(layer.getKey());
                    if (!(scale > 0) || Float.isInfinite(scale) || number < 0 || number > Slot.MAX_LAYER) {
                        return null;
                    }
                    scales.put(new Slot(number, Role.named(role.getKey()).orElseThrow()), scale);
                }
            }
            return new PastScales(Instant.parse(run.path("started").asText()), scales);
        } catch (JsonProcessingException
                | DateTimeException
                | IllegalArgumentException
                | java.util.NoSuchElementException e) {
            return null; // a crash may have cut it short
        }
    }
}
