package io.kvscale.job;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.InputFormat;
import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationOutcome;
import io.kvscale.job.calibration.Progress;
import io.kvscale.job.calibration.SparkRuntime;
import io.kvscale.job.calibration.TableInput;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.tensor.DataProblem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The job. */
@Command(
        name = "calibrate",
        description = "Reads captures of K and V, or a table of them, and writes k_scale and v_scale of every layer.")
final class CalibrateCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(names = "--recipe", required = true, paramLabel = "FILE", description = "What to calibrate, as YAML.")
    private String recipeFile = "";

    @Option(
            names = "--input",
            paramLabel = "PATH",
            arity = "1..*",
            description =
                    "Captures: folders, files or globs, local or of any Hadoop file system; or Parquet, a row a tensor.")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--input-list", paramLabel = "FILE", description = "A file that names inputs, one a line.")
    private @Nullable String inputList;

    @Option(
            names = "--input-format",
            paramLabel = "FORMAT",
            description = "safetensors or arrow: take only such files from folders; parquet: let Spark read the"
                    + " inputs as one table. By default whichever is there.")
    private @Nullable String inputFormat;

    @Option(
            names = "--table",
            paramLabel = "NAME",
            description = "A table or view that Spark knows, a row a tensor, instead of --input.")
    private @Nullable String table;

    @Option(names = "--output", paramLabel = "DIR", description = "The result folder; it appears whole or not at all.")
    private @Nullable String output;

    @Option(names = "--overwrite", description = "Replace an older result folder.")
    private boolean overwrite;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            description = "Tasks to aim at; by default enough for every core, of at most about 1 GB each. Of a table:"
                    + " the most tasks; Spark plans them, by its own settings, and never cuts a row.")
    private @Nullable Integer partitions;

    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "The Spark master; by default spark-submit's, or else local[*] in this process.")
    private @Nullable String master;

    @Option(names = "--conf", paramLabel = "K=V", description = "A Spark property; may be repeated.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--dry-run", description = "Read the headers only, and show what would be calibrated.")
    private boolean dryRun;

    @Option(names = "--quiet", description = "Print errors only.")
    private boolean quiet;

    @Override
    public Integer call() {
        SparkRuntime runtime = SparkRuntime.of(master, settings);
        Configuration hadoop = runtime.hadoop();
        Results results =
                new Results(spec.commandLine().getOut(), spec.commandLine().getErr(), quiet);
        Recipe recipe = Files.recipe(recipeFile, hadoop);
        recipe.notices().forEach(results::say);
        InputFormat format = format();
        List<String> all = inputs(hadoop);
        if (output == null && !dryRun) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--output=DIR'");
        }
        if (partitions != null && partitions < 1) {
            throw new ParameterException(spec.commandLine(), "--partitions must be at least 1");
        }
        if (dryRun || output == null) {
            try (CalibrationJob job = job(runtime, recipe, all, format, hadoop, results)) {
                new DryRun(spec.commandLine().getOut()).print(job, job.run(Depth.HEADERS, progress()));
            }
            return ExitCode.DONE;
        }
        try (OutputFolder folder = OutputFolder.open(output, overwrite, all, hadoop)) {
            RunRecord run = new RunRecord(all, table);
            try (CalibrationJob job = job(runtime, recipe, all, format, hadoop, results)) {
                CalibrationOutcome outcome = job.run(Depth.VALUES, progress());
                tell(outcome, results);
                ScaleSolver.Solution solution = Results.solve(recipe, outcome.statistics(), outcome.problem());
                results.write(solution, outcome.statistics(), run.finish(job, outcome.tally()), true, folder);
            }
        }
        return ExitCode.DONE;
    }

    private @Nullable InputFormat format() {
        if (inputFormat == null) {
            return null;
        }
        String word = inputFormat;
        return InputFormat.named(word)
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "--input-format is safetensors, arrow or parquet, not '" + DataProblem.shown(word) + "'"));
    }

    private List<String> inputs(Configuration hadoop) {
        List<String> all = new ArrayList<>(inputs);
        if (inputList != null) {
            String text = new String(Files.bytes(inputList, hadoop), StandardCharsets.UTF_8);
            text.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(all::add);
        }
        if (table != null && !(all.isEmpty() && inputList == null && inputFormat == null)) {
            throw new ParameterException(
                    spec.commandLine(), "--table stands in place of --input, --input-list and --input-format");
        }
        if (all.isEmpty() && table == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Missing required option: '--input=PATH...', '--input-list=FILE' or '--table=NAME'");
        }
        return all;
    }

    private CalibrationJob job(
            SparkRuntime runtime,
            Recipe recipe,
            List<String> inputs,
            @Nullable InputFormat format,
            Configuration hadoop,
            Results results) {
        int most = partitions == null ? 0 : partitions;
        if (table != null) {
            return new CalibrationJob(runtime, recipe, TableInput.named(table), most);
        }
        if (format == InputFormat.PARQUET) {
            CaptureListing.check(inputs, hadoop);
            return new CalibrationJob(runtime, recipe, new TableInput("", inputs, 0), most);
        }
        CaptureListing listing = CaptureListing.of(inputs, format, hadoop);
        if (listing.skipped() > 0) {
            results.warn(listing.skipped() + " files are not " + CaptureListing.words(format) + " and were skipped");
        }
        return listing.parquet()
                ? new CalibrationJob(
                        runtime,
                        recipe,
                        new TableInput("", inputs, listing.files().size()),
                        most)
                : new CalibrationJob(runtime, recipe, listing, most);
    }

    private Progress progress() {
        return new Progress(System.err, Boolean.getBoolean("kvscale.terminal"), quiet);
    }

    private static void tell(CalibrationOutcome outcome, Results results) {
        if (outcome.tally().maskedFiles() > 0) {
            results.say("the mask kept padding out in " + outcome.tally().maskedFiles() + " files");
        }
        if (outcome.tally().foreignFiles() > 0) {
            long all = outcome.statistics().corpus().files() + outcome.tally().foreignFiles();
            results.warn(
                    outcome.tally().foreignFiles() + " of " + all + " files hold no K or V; tensors there are named "
                            + outcome.tally().names());
        }
    }
}
