package io.kvscale.job.command;

import io.kvscale.job.bench.FileCosts;
import io.kvscale.job.bench.ModelRates;
import io.kvscale.job.bench.SpeedBench;
import io.kvscale.job.console.TextTable;
import io.kvscale.json.Json;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures speed on this machine. */
@Command(
        name = "bench",
        description = "Measures how fast kvscale runs on this machine, compared with reading the same files.",
        footer = {
            "Generates captures in a temporary folder and deletes it. Rates are medians in GB/s (1e9 bytes).",
            "read: reading alone, the upper limit; ratio: task to read; small: files of 1.5 MB.",
            "With --model: tokens per second (tps) of one task and of two at once (_2), and megabytes."
        })
public final class BenchCommand extends CommandPart implements Callable<Integer> {
    private static final long MIN_BYTES = 1 << 22;
    private static final int MIN_FILES = 100;
    private static final int MAX_FILES = 10_000_000;
    private static final double MODEL_SECONDS = 60;

    @Option(names = "--size", paramLabel = "BYTES", description = "Size of the large captures; default: 2 GiB.")
    private long size = 2L << 30;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Folder for the generated captures; default: java.io.tmpdir.")
    private @Nullable Path dir;

    @Option(
            names = "--sql",
            description = "Also measure SQL over captures, Arrow and Parquet, and SQL without kvscale's functions.")
    private boolean sql;

    @Option(
            names = "--command",
            description =
                    "Also measure calibrate as a whole command, on captures of this size and of eight times this size,"
                            + " beside cat.")
    private boolean command;

    @Option(
            names = "--files",
            paramLabel = "N",
            description = "Measure what so many small captures cost instead, stage by stage: CPU time and heap.")
    private int files;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Measure this model instead: alone, with observation, with histograms, and in an evaluation.")
    private @Nullable Path model;

    @Option(
            names = "--model-file",
            paramLabel = "NAME",
            description = "The ONNX file in that folder; default: ${DEFAULT-VALUE}.")
    private String modelFile = "model.onnx";

    @Option(names = "--json", description = "Print one JSON object with a number for each figure.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (size < MIN_BYTES) {
            throw error("--size must be at least " + MIN_BYTES);
        }
        if (model == null && isGiven("--model-file")) {
            throw error("--model-file needs --model");
        }
        if (isGiven("--files") && (files < MIN_FILES || files > MAX_FILES)) {
            throw error("--files must be from " + MIN_FILES + " to " + MAX_FILES);
        }
        refuseWith("--model", List.of("--size", "--dir", "--sql", "--command", "--files"));
        refuseWith("--files", List.of("--size", "--sql", "--command"));
        if (model != null && !Files.isDirectory(model)) {
            throw error("--model " + model + " is not a local folder");
        }
        Path parent = dir == null ? Path.of(System.getProperty("java.io.tmpdir")) : dir;
        Map<String, Object> figures = model != null
                ? new ModelRates(model, modelFile, MODEL_SECONDS).run()
                : files > 0
                        ? new FileCosts(parent, files).run()
                        : new SpeedBench(parent, size, sql, command ? mainClass() : null).run();
        PrintWriter out = out();
        if (json) {
            out.print(Json.text(figures));
        } else {
            TextTable table = new TextTable("figure", "value");
            figures.forEach((name, value) -> table.row(name, shown(value)));
            table.print(out);
        }
        out.flush();
        return ExitCode.DONE;
    }

    private void refuseWith(String option, List<String> others) {
        for (String other : isGiven(option) ? others : List.<String>of()) {
            if (isGiven(other)) {
                throw error(other + " cannot be combined with " + option);
            }
        }
    }

    private static Object shown(Object value) {
        return value instanceof Double number
                ? String.format(Locale.ROOT, Math.abs(number) < 1 ? "%.3f" : "%.2f", number)
                : value;
    }
}
