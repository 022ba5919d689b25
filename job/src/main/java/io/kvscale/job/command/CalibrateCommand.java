package io.kvscale.job.command;

import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.calibration.TableInput;
import io.kvscale.job.console.Console;
import io.kvscale.job.console.DryRunPrinter;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.history.RunHistory;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import io.kvscale.tensor.DataProblem;
import io.kvscale.text.TextFields;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Calibrates scales from captures, tables or texts. */
@Command(
        name = "calibrate",
        description =
                "Calibrates k_scale and v_scale for each layer, from captures of K and V, from a table of them, or from"
                        + " texts and a model.")
public final class CalibrateCommand extends CommandPart implements Callable<Integer> {
    @Option(
            names = "--recipe",
            required = true,
            paramLabel = "FILE",
            description = "The recipe (YAML): what to calibrate, and how.")
    private String recipeFile = "";

    @Mixin
    private CaptureArguments captures = new CaptureArguments();

    @Mixin
    private TextArguments texts = new TextArguments();

    @Mixin
    private ModelConfigArgument modelConfig = new ModelConfigArgument();

    @Option(
            names = "--table",
            paramLabel = "NAME",
            description = "A table or view in Spark's catalog: one tensor per row, or with --model one text per row.")
    private @Nullable String table;

    @Option(
            names = "--save-captures",
            paramLabel = "DIR",
            description = "With --model: also save K and V as captures, which --input can read.")
    private @Nullable String saved;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "The result folder. It appears when it is complete, or not at all. With statistics_by in the"
                    + " recipe it also holds strata/NAME/statistics.kvstats for each stratum.")
    private @Nullable String output;

    @Option(names = "--overwrite", description = "Replace an existing result folder, and existing saved captures.")
    private boolean overwrite;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "Keep what is read of captures or texts in this folder. A later run reads only files that are"
                    + " new or changed, or runs the model only over new texts, and goes on where a run was killed; the"
                    + " result is the same.")
    private @Nullable String stateFolder;

    @Option(
            names = "--convergence",
            description = "Also show how the scales change with the number of tokens, and whether these are enough.")
    private boolean convergence;

    @Option(
            names = "--stop-when-stable",
            description = "With --model: end the run when the last doubling of the number of texts changed no scale by"
                    + " more than 1 %%. Implies --convergence.")
    private boolean stopping;

    @Option(
            names = "--run-log",
            paramLabel = "FILE",
            description =
                    "Append a line of JSON about this run, also if it fails. report.html then shows the scales of"
                            + " earlier runs. On file systems other than the local one it is a folder with a file for each run.")
    private @Nullable String runLog;

    private @Nullable RunHistory history;

    @Mixin
    private SparkArguments spark = new SparkArguments();

    @Option(names = "--dry-run", description = "Read only headers or texts, and show what would be calibrated.")
    private boolean dryRun;

    @Option(names = "--quiet", description = "Print errors only.")
    private boolean quiet;

    @Override
    public Integer call() {
        SparkRuntime runtime = spark.runtime();
        Configuration hadoop = runtime.hadoop();
        Console console = console(quiet);
        List<String> read = texts.isGiven() ? texts.paths() : captures.paths(hadoop);
        if (runLog != null && !dryRun) {
            history = begin(runLog, read, hadoop);
        }
        Recipe recipe = HadoopFiles.recipe(recipeFile, hadoop);
        recipe.notices().forEach(console::say);
        check(read);
        checkStrata(recipe.text().options().fields());
        runtime.named("calibrate", table == null ? read : List.of(table), output);
        if (!texts.isGiven()) {
            recipe = modelConfig.applied(recipe, hadoop);
        }
        if (convergence && !stopping) {
            recipe = recipe.inLevels();
        }
        if (stateFolder != null) {
            StateFolder.check(stateFolder, read, hadoop);
        }
        if (dryRun || output == null) {
            CalibrationJob job = job(runtime, recipe, read, hadoop, console, null, null);
            DryRunPrinter.print(job.dryRun(), out());
            return ExitCode.DONE;
        }
        List<String> used = new ArrayList<>(read);
        used.add(output);
        List<String> apart = new ArrayList<>(read);
        if (stateFolder != null) {
            apart.add(stateFolder);
        }
        try (OutputFolder folder = OutputFolder.open(output, overwrite, apart, hadoop);
                OutputFolder kept = saved == null ? null : OutputFolder.forCaptures(saved, overwrite, used, hadoop);
                StateFolder state = stateFolder == null ? null : StateFolder.open(stateFolder, hadoop)) {
            RunRecord run = new RunRecord(read, table, texts.isGiven() ? null : modelConfig.path(recipe.modelConfig()))
                    .of(recipeFile, hadoop);
            CalibrationResult result = job(runtime, recipe, read, hadoop, console, kept, state)
                    .whenRead(run::calibrated)
                    .execute();
            tell(result, console);
            new ResultWriter(out(), console)
                    .write(
                            result.solve(),
                            result.statistics(),
                            // Saved captures give the bytes of the run that saved them, and know no model.
                            texts.isGiven() ? null : result.recipe().capture().model(),
                            run,
                            result,
                            true,
                            folder,
                            kept,
                            history);
        }
        return ExitCode.DONE;
    }

    private void checkStrata(TextFields fields) {
        if (stateFolder != null
                && texts.isGiven()
                && (convergence || stopping || !fields.statisticsBy().isEmpty())) {
            throw error("--state keeps the statistics of texts as a whole: it cannot be combined with --convergence,"
                    + " --stop-when-stable or statistics_by in the recipe");
        } else if (convergence && !fields.statisticsBy().isEmpty()) {
            throw error("--convergence shows one curve: remove statistics_by from the recipe");
        } else if (stopping && !(fields.statisticsBy() + fields.sampleBy()).isEmpty()) {
            throw error(
                    "--stop-when-stable chooses how many texts count: remove sample_by and statistics_by from the recipe");
        }
    }

    private RunHistory begin(String log, List<String> read, Configuration hadoop) {
        String file = HadoopFiles.qualified(log, hadoop);
        for (String path : Stream.concat(read.stream(), Stream.of(output, saved, stateFolder))
                .filter(Objects::nonNull)
                .toList()) {
            String folder = HadoopFiles.qualified(path, hadoop);
            if (file.equals(folder) || file.startsWith(folder + "/")) {
                throw error("--run-log must be outside of inputs, outputs and states: " + DataProblem.shown(log)
                        + " lies in " + DataProblem.shown(path));
            }
        }
        RunHistory begun = RunHistory.open(log, stateFolder, hadoop);
        begun.inputs(read);
        begun.know("recipe", DataProblem.shown(recipeFile));
        begun.know("output", output == null ? null : DataProblem.shown(output));
        begun.know("state_folder", stateFolder == null ? null : DataProblem.shown(stateFolder));
        return begun;
    }

    /**
     * Adds a line about the failure to the run log, if this command has begun a run.
     *
     * @param message as it is printed
     */
    public void failed(int exitCode, String message) {
        if (history != null) {
            history.failed(exitCode, message);
        }
    }

    private void check(List<String> read) {
        if (texts.isGiven() && modelConfig.isGiven()) {
            throw error("--model-config is for captures; with --model, config.json of the model's folder is read");
        } else if (texts.isGiven() && captures.isGiven()) {
            throw error("--model and --text cannot be combined with --input, --input-list and --input-format");
        }
        if (texts.isGiven()) {
            texts.model();
            texts.input(table);
        } else if (table != null && captures.isGiven()) {
            throw error("--table cannot be combined with --input, --input-list and --input-format");
        } else if (read.isEmpty() && table == null) {
            throw error("Missing required option: '--input=PATH...', '--input-list=FILE', '--table=NAME', or"
                    + " '--model=DIR' and '--text=PATH...'");
        } else if (saved != null) {
            throw error("--save-captures needs --model and --text");
        }
        if (stateFolder != null && table != null && !texts.isGiven()) {
            throw error(
                    "--state is for captures and texts. Spark reads a table of K and V as a whole: it has no files to"
                            + " tell what is new");
        } else if (stateFolder != null && saved != null) {
            throw error(
                    "--state cannot be combined with --save-captures: captures need the model to run over all texts");
        }
        if (stopping && !texts.isGiven()) {
            throw error(
                    "--stop-when-stable is for texts, with --model: captures and tables are there already, and reading"
                            + " all of them costs little. --convergence shows how many tokens are enough");
        }
        if (output == null && !dryRun) {
            throw error("Missing required option: '--output=DIR'");
        }
    }

    private CalibrationJob job(
            SparkRuntime runtime,
            Recipe recipe,
            List<String> read,
            Configuration hadoop,
            Console console,
            @Nullable OutputFolder kept,
            @Nullable StateFolder state) {
        CalibrationJob job;
        if (texts.isGiven()) {
            String staging = kept == null ? null : kept.staging();
            job = CalibrationJob.ofText(runtime, recipe, texts.model(), texts.input(table), staging, state);
        } else {
            job = table != null
                    ? CalibrationJob.ofTable(runtime, recipe, TableInput.named(table))
                    : captures.job(runtime, recipe, read, hadoop, console, state);
        }
        return job.partitions(spark.partitions())
                .stoppingWhenStable(stopping)
                .reporting(console.progress(), console::warn);
    }

    private static void tell(CalibrationResult result, Console console) {
        if (result.tally().maskedFiles() > 0) {
            console.say("padding was masked out in " + result.tally().maskedFiles() + " files");
        }
        if (result.tally().foreignFiles() > 0) {
            long all = result.statistics().corpus().files() + result.tally().foreignFiles();
            console.warn(result.tally().foreignFiles() + " of " + all
                    + " files hold no known K or V tensor of a layer to calibrate"
                    + (result.tally().names().isEmpty()
                            ? "; check targets and ignore"
                            : "; other tensors are named " + result.tally().names()));
        }
        StateUse state = result.state();
        if (state != null && result.problem() == null) {
            console.say(state.shown());
        }
        if (result.problem() == null) {
            console.warnFailedSamples(result.tally().failed());
        }
    }
}
