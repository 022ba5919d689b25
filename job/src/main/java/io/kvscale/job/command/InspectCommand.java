package io.kvscale.job.command;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.job.check.CheckResult;
import io.kvscale.job.check.ScaleCheck;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.console.CheckPrinter;
import io.kvscale.job.console.KnownFilePrinter;
import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.console.StatisticsPrinter;
import io.kvscale.job.export.ExportRecord;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.json.Json;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ModelFit;
import io.kvscale.tensor.DataProblem;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
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
            "A model's folder is shown as kvscale check shows it, for vLLM.",
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

    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Option(names = "--json", description = "Print a JSON array with one object per file.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = conf.hadoop();
        PrintWriter out = out();
        @Nullable Recipe recipe = recipeFile == null ? null : HadoopFiles.recipe(recipeFile, hadoop);
        @Nullable ModelConfig model = modelConfig.read(recipe == null ? null : recipe.modelConfig(), hadoop);
        CaptureOptions given = recipe == null ? CaptureOptions.defaults() : recipe.capture();
        CaptureOptions options = model == null ? given : given.withModel(model);
        @Nullable
        ModelFit fit = model == null
                ? null
                : new ModelFit(
                        model,
                        options.layerFilter()::includes,
                        recipe != null && recipe.tolerances().hybrid());
        List<Map<String, Object>> shown = new ArrayList<>();
        for (String path : paths) {
            if (isModel(path)) {
                shown.add(model(path, out));
                continue;
            }
            PathContent content = PathContent.read(path, hadoop);
            if (content instanceof PathContent.Scales scales) {
                check(path, fit, checked -> checked.check(scales.table()));
                shown.add(scales(path, scales, out));
            } else if (content instanceof PathContent.Statistics statistics) {
                check(path, fit, checked -> checked.check(statistics.statistics()));
                shown.add(statistics(path, "statistics", statistics.statistics(), out));
                if (!json) {
                    StatisticsPrinter.printHistograms(statistics.statistics(), out);
                    StatisticsPrinter.printPairs(statistics.statistics(), out);
                }
            } else if (content instanceof PathContent.Known known) {
                shown.add(described(path, known.kind(), known.content()));
                if (!json) {
                    KnownFilePrinter.print(path, known.kind(), known.content(), out);
                }
            } else {
                captures(path, CaptureInspection.of(path, options, json, hadoop), fit, shown, out);
            }
        }
        if (json) {
            out.print(Json.text(shown));
        }
        out.flush();
        return ExitCode.DONE;
    }

    /** Whether a path is the folder of a model. One that kvscale exported is shown by its record. */
    private static boolean isModel(String path) {
        return Checkpoint.isFolder(path) && !new File(path, ExportRecord.FILE).exists();
    }

    private Map<String, Object> model(String path, PrintWriter out) {
        Checkpoint checkpoint = Checkpoint.read(path);
        CheckResult result = ScaleCheck.run("vllm", checkpoint, AttentionNames.of(checkpoint), Set.of());
        if (!json) {
            CheckPrinter.print(path, result, out);
        }
        return described(path, "model", CheckPrinter.content(result));
    }

    private static void check(String path, @Nullable ModelFit fit, Consumer<ModelFit> check) {
        if (fit != null) {
            HadoopFiles.withFile(path, () -> {
                check.accept(fit);
                return fit;
            });
        }
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
            CaptureInspection captures,
            @Nullable ModelFit fit,
            List<Map<String, Object>> shown,
            PrintWriter out) {
        CalibrationStatistics all = captures.statistics();
        check(path, fit, checked -> checked.check(all));
        if (captures.files() == 1) {
            shown.add(statistics(path, "capture", all, out));
            return;
        }
        captures.eachFile().forEach((name, content) -> shown.add(described(name, "capture", content)));
        if (!json) {
            out.println(DataProblem.printable(path) + ": " + captures.files() + " captures");
            captures.table().print(out);
        }
    }

    private static Map<String, Object> described(String path, String kind, Map<?, ?> content) {
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("path", path);
        described.put("kind", kind);
        content.forEach((key, value) -> described.put(String.valueOf(key), value));
        return described;
    }
}
