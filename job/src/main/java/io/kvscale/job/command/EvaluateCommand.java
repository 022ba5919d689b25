package io.kvscale.job.command;

import io.kvscale.evaluation.Attention;
import io.kvscale.job.console.Console;
import io.kvscale.job.console.EvaluationPrinter;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.evaluation.EvaluationJob;
import io.kvscale.job.evaluation.EvaluationResult;
import io.kvscale.job.evaluation.NamedScales;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.report.EvaluationReport;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures the quality of scales. */
@Command(
        name = "evaluate",
        description = "Runs held-out texts with the full-precision cache and with quantized caches, and compares.",
        footer = {
            "With --attend quantized every token reads only quantized K and V, its own too, as in engines.",
            "With --attend chunks a chunk reads itself in full precision, and all earlier ones quantized.",
            "KL is the divergence of the next-token distribution from that with full precision, in nats.",
            "top-1 is the share of tokens whose most likely next token stays the same."
        })
public final class EvaluateCommand extends CommandPart implements Callable<Integer> {
    /** The values of {@code --attend}, as they are written. */
    enum Attend {
        quantized,
        chunks
    }

    /** The values of {@code --baseline}, as they are written. */
    enum Baseline {
        unit
    }

    @Mixin
    private TextArguments texts = new TextArguments();

    @Option(
            names = "--table",
            paramLabel = "NAME",
            description = "Texts for the model: a table or view in Spark's catalog.")
    private @Nullable String table;

    @Option(
            names = "--scales",
            paramLabel = "DIR",
            arity = "1..*",
            preprocessor = PathList.class,
            description = "Result folders of calibrate or scales, or kv_scales.json files; can be repeated. After"
                    + " --scales -- all words are paths.")
    private List<String> scales = new ArrayList<>();

    @Option(
            names = "--baseline",
            paramLabel = "WORD",
            description = "unit: also evaluate fp8 with scale 1.0 everywhere, and say whether calibrated fp8 scales are"
                    + " better.")
    private @Nullable Baseline baseline;

    @Option(
            names = "--recipe",
            paramLabel = "FILE",
            description = "A recipe with text keys under kvscale: how texts are chosen, and residual_length. Default:"
                    + " all texts, up to the model's limit.")
    private @Nullable String recipeFile;

    @Option(
            names = "--attend",
            paramLabel = "HOW",
            description =
                    "quantized (default) or chunks. chunks is the default with --chunk, or with residual_length in"
                            + " the recipe.")
    private @Nullable Attend attend;

    @Option(names = "--chunk", paramLabel = "N", description = "Tokens in a chunk; default: 16.")
    private @Nullable Integer chunk;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description =
                    "Also write evaluation.json and report.html into this folder. It appears when it is complete.")
    private @Nullable String output;

    @Option(names = "--overwrite", description = "Replace an existing result folder.")
    private boolean overwrite;

    @Mixin
    private SparkArguments spark = new SparkArguments();

    @Override
    public Integer call() {
        if (scales.isEmpty() && baseline == null) {
            throw error("Missing required option: '--scales=DIR', or '--baseline=unit'");
        }
        if (chunk != null && chunk < 1) {
            throw error("--chunk must be at least 1");
        }
        if (chunk != null && attend == Attend.quantized) {
            throw error("--chunk needs --attend chunks");
        }
        SparkRuntime runtime = spark.runtime();
        runtime.named("evaluate", List.of(texts.model()), output);
        Configuration hadoop = runtime.hadoop();
        PrintWriter out = out();
        Console console = console(false);
        String model = texts.model();
        TextInput text = texts.input(table);
        TextSettings settings = settings(hadoop, console);
        List<NamedScales> tables =
                scales.stream().map(name -> scales(name, hadoop, console)).toList();
        EvaluationJob job = new EvaluationJob(runtime, model, text, settings, tables, attention(settings, console))
                .withUnit(baseline == Baseline.unit)
                .partitions(spark.partitions())
                .reporting(console.progress(), console::warn);
        List<String> inputs = new ArrayList<>(texts.paths());
        inputs.addAll(scales);
        try (OutputFolder folder = output == null ? null : OutputFolder.open(output, overwrite, inputs, hadoop)) {
            EvaluationResult result = job.execute();
            console.warnFailedSamples(result.failed());
            byte[] content = result.evaluation().toJson();
            if (folder != null) {
                folder.write("evaluation.json", content);
                folder.write("report.html", EvaluationReport.html(content, Version.kvscale()));
                folder.commit();
            }
            if (json) {
                out.print(new String(content, StandardCharsets.UTF_8));
            } else {
                EvaluationPrinter.print(result.evaluation(), out);
                if (folder != null) {
                    folder.paths().forEach(path -> out.println("wrote " + path));
                }
            }
        }
        out.flush();
        return ExitCode.DONE;
    }

    private Attention attention(TextSettings settings, Console console) {
        int residual = settings.residualLength();
        if (attend == Attend.quantized && residual > 0) {
            throw error("residual_length in the recipe needs --attend chunks");
        }
        if (attend == Attend.chunks || chunk != null || residual > 0) {
            if (attend == null && chunk == null) {
                console.say("residual_length needs --attend chunks: tokens of a chunk attend to each other in full"
                        + " precision");
            }
            return new Attention(chunk == null ? EvaluationJob.DEFAULT_CHUNK : chunk, residual);
        }
        return Attention.QUANTIZED;
    }

    private TextSettings settings(Configuration hadoop, Console console) {
        if (recipeFile == null) {
            return TextSettings.DEFAULT;
        }
        Recipe recipe = HadoopFiles.recipe(recipeFile, hadoop);
        recipe.notices().forEach(console::say);
        return recipe.text().withoutStatistics();
    }

    private static NamedScales scales(String name, Configuration hadoop, Console console) {
        if (PathContent.read(name, hadoop) instanceof PathContent.Scales found) {
            found.table().warnings().forEach(warning -> console.warn(name + ": " + warning));
            return new NamedScales(name, found.table());
        }
        throw new InvalidDataException(DataProblem.of(
                        "the path holds no scale table",
                        "name a result folder of calibrate or scales, or a kv_scales.json")
                .inFile(name));
    }
}
