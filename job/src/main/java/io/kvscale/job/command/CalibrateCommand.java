package io.kvscale.job.command;

import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.calibration.TableInput;
import io.kvscale.job.console.Console;
import io.kvscale.job.console.DryRunPrinter;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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
            description = "The result folder. It appears when it is complete, or not at all.")
    private @Nullable String output;

    @Option(names = "--overwrite", description = "Replace an existing result folder, and existing saved captures.")
    private boolean overwrite;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "Keep what is read of captures in this folder. A later run reads only files that are new or"
                    + " changed, and goes on where a run was killed; the result is the same.")
    private @Nullable String stateFolder;

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
        Recipe recipe = HadoopFiles.recipe(recipeFile, hadoop);
        recipe.notices().forEach(console::say);
        List<String> read = texts.isGiven() ? texts.paths() : captures.paths(hadoop);
        check(read);
        if (!texts.isGiven()) {
            recipe = modelConfig.applied(recipe, hadoop);
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
            RunRecord run = new RunRecord(read, table, texts.isGiven() ? null : modelConfig.path(recipe.modelConfig()));
            CalibrationResult result =
                    job(runtime, recipe, read, hadoop, console, kept, state).execute();
            run.calibrated();
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
                            kept);
        }
        return ExitCode.DONE;
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
        if (stateFolder != null && (texts.isGiven() || table != null)) {
            throw error("--state is for captures: name them with --input. It does not keep the statistics of texts and"
                    + " tables, which have no files to tell what is new");
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
            job = CalibrationJob.ofText(runtime, recipe, texts.model(), texts.input(table), staging);
        } else {
            job = table != null
                    ? CalibrationJob.ofTable(runtime, recipe, TableInput.named(table))
                    : captures.job(runtime, recipe, read, hadoop, console, state);
        }
        return job.partitions(spark.partitions()).reporting(console.progress(), console::warn);
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
