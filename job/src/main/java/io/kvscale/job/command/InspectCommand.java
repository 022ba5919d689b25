package io.kvscale.job.command;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.job.console.CapturePrinter;
import io.kvscale.job.console.KnownFilePrinter;
import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.console.StatisticsPrinter;
import io.kvscale.job.console.TextTable;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.json.Json;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.Tally;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what files hold. */
@Command(
        name = "inspect",
        description = "Shows what a capture, a statistics file, a scale table or another file of kvscale holds.",
        footer = {
            "A single capture is read completely, with its ranges. Of several captures only headers and masks are read.",
            "Exit code 3 if a path holds nothing that kvscale knows, or no K or V."
        })
public final class InspectCommand extends CommandPart implements Callable<Integer> {
    @Parameters(
            paramLabel = "PATH",
            arity = "1..*",
            description =
                    "Captures or folders of them, result folders, statistics files. After -- all words are paths.")
    private List<String> paths = new ArrayList<>();

    @Option(
            names = "--recipe",
            paramLabel = "FILE",
            description = "A recipe that says how to read the captures, if the files do not.")
    private @Nullable String recipeFile;

    @Mixin
    private ModelConfigArgument modelConfig = new ModelConfigArgument();

    @Option(names = "--json", description = "Print a JSON array with one object per file.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = new Configuration();
        PrintWriter out = out();
        @Nullable Recipe recipe = recipeFile == null ? null : HadoopFiles.recipe(recipeFile, hadoop);
        @Nullable ModelConfig model = modelConfig.read(recipe == null ? null : recipe.modelConfig(), hadoop);
        CaptureOptions given = recipe == null ? CaptureOptions.defaults() : recipe.capture();
        CaptureOptions options = model == null ? given : given.withModel(model);
        List<Map<String, Object>> shown = new ArrayList<>();
        for (String path : paths) {
            PathContent content = PathContent.read(path, hadoop);
            if (content instanceof PathContent.Scales scales) {
                shown.add(scales(path, scales, out));
            } else if (content instanceof PathContent.Statistics statistics) {
                shown.add(statistics(path, "statistics", statistics.statistics(), out));
                if (!json) {
                    StatisticsPrinter.printHistograms(statistics.statistics(), out);
                }
            } else if (content instanceof PathContent.Known known) {
                shown.add(described(path, known.kind(), known.content()));
                if (!json) {
                    KnownFilePrinter.print(path, known.kind(), known.content(), out);
                }
            } else {
                captures(path, options, hadoop, shown, out);
            }
        }
        if (json) {
            out.print(Json.text(shown));
        }
        out.flush();
        return ExitCode.DONE;
    }

    private Map<String, Object> scales(String path, PathContent.Scales scales, PrintWriter out) throws IOException {
        scales.warnings().forEach(warning -> console(false).warn(path + ": " + warning));
        if (!json) {
            out.println(DataProblem.printable(path) + ": scale table");
            ScaleTablePrinter.print(scales.table(), out);
        }
        return described(path, "scales", Json.MAPPER.readValue(scales.table().toJson(), Map.class));
    }

    private Map<String, Object> statistics(
            String path, String kind, CalibrationStatistics statistics, PrintWriter out) {
        if (!json) {
            out.println(DataProblem.printable(path) + ": " + kind);
            StatisticsPrinter.print(statistics, true, out);
        }
        return described(path, kind, StatisticsPrinter.json(statistics));
    }

    private void captures(
            String path,
            CaptureOptions options,
            Configuration hadoop,
            List<Map<String, Object>> shown,
            PrintWriter out) {
        List<InputFile> files = CaptureListing.of(List.of(path), hadoop).files();
        Depth depth = files.size() == 1 ? Depth.VALUES : Depth.HEADERS;
        TextTable table = new TextTable("file", "slots", "dtype", "heads", "head_dim", "tokens", "unmatched");
        Tally tally = Tally.NONE;
        boolean found = false;
        for (InputFile file : files) {
            TaskState read = read(file, options, hadoop, depth);
            tally = tally.merge(read.tally());
            found |= !read.statistics().isEmpty();
            if (depth == Depth.VALUES && !found) {
                break;
            } else if (depth == Depth.VALUES) {
                shown.add(statistics(path, "capture", read.statistics(), out));
            } else {
                if (json) {
                    shown.add(described(file.name(), "capture", StatisticsPrinter.json(read.statistics())));
                }
                CapturePrinter.row(table, file, read);
            }
        }
        if (!found) {
            throw new InvalidDataException(DataProblem.of(
                            (files.size() == 1
                                            ? "no tensor of this file is"
                                            : "no tensor of these " + files.size() + " files is")
                                    + " K or V of a layer"
                                    + (tally.names().isEmpty() ? "" : "; there are " + tally.names()),
                            "name captures, or say with --recipe how their K and V are named (key.tensors, value.tensors)")
                    .inFile(path));
        }
        if (depth == Depth.HEADERS && !json) {
            out.println(DataProblem.printable(path) + ": " + files.size() + " captures");
            table.print(out);
        }
    }

    private static TaskState read(InputFile file, CaptureOptions options, Configuration hadoop, Depth depth) {
        Split whole = new Split(new ArrayList<>(List.of(new FilePiece(file, 0, file.length()))));
        QuantizationScheme any = QuantizationScheme.fp8();
        TaskState read = CalibrationTask.run(
                whole, SlotSchemes.of(any), StatisticsKind.RANGE, options, hadoop, depth, bytes -> {}, failure -> {});
        if (read.problem() != null) {
            throw new InvalidDataException(read.problem());
        }
        return read;
    }

    private static Map<String, Object> described(String path, String kind, Map<?, ?> content) {
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("path", path);
        described.put("kind", kind);
        content.forEach((key, value) -> described.put(String.valueOf(key), value));
        return described;
    }
}
