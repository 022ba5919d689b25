package io.kvscale.job.command;

import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.console.Console;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.observer.CalibrationStatistics;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Derives scales for another recipe. Reads only a statistics file; does not start Spark. */
@Command(name = "scales", description = "Derives scales from statistics, without the captures or texts.")
public final class ScalesCommand extends CommandPart implements Callable<Integer> {
    @Option(
            names = "--statistics",
            required = true,
            paramLabel = "FILE",
            description = "statistics.kvstats of a calibration.")
    private String statisticsFile = "";

    @Option(
            names = "--recipe",
            required = true,
            paramLabel = "FILE",
            description = "A recipe (YAML) with the scheme to derive.")
    private String recipeFile = "";

    @Mixin
    private ModelConfigArgument modelConfig = new ModelConfigArgument();

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "The result folder. It appears when it is complete, or not at all.")
    private String output = "";

    @Option(names = "--overwrite", description = "Replace an existing result folder.")
    private boolean overwrite;

    @Option(names = "--report", description = "Also write report.html, as calibrate does.")
    private boolean report;

    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Option(names = "--quiet", description = "Print errors only.")
    private boolean quiet;

    @Override
    public Integer call() {
        Configuration hadoop = conf.hadoop();
        Console console = console(quiet);
        Recipe recipe = modelConfig.applied(HadoopFiles.recipe(recipeFile, hadoop), hadoop);
        RunRecord run = new RunRecord(List.of(statisticsFile), null, modelConfig.path(recipe.modelConfig()))
                .of(recipeFile, hadoop);
        recipe.notices().forEach(console::say);
        CalibrationStatistics statistics = HadoopFiles.statistics(statisticsFile, hadoop);
        try (OutputFolder folder = OutputFolder.open(output, overwrite, List.of(), hadoop)) {
            new ResultWriter(out(), console)
                    .write(
                            HadoopFiles.withFile(
                                    statisticsFile, () -> CalibrationResult.solve(recipe, statistics, null)),
                            statistics,
                            recipe.capture().model(),
                            run,
                            null,
                            report,
                            folder,
                            null,
                            null);
        }
        return ExitCode.DONE;
    }
}
