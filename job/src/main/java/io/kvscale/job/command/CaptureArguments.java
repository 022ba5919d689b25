package io.kvscale.job.command;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.layout.InputFormat;
import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.TableInput;
import io.kvscale.job.console.Console;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.tensor.DataProblem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options about the captures that a calibration reads. */
final class CaptureArguments {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--input",
            paramLabel = "PATH",
            arity = "1..*",
            description =
                    "Captures: folders, files or globs, local or on a Hadoop file system; or Parquet.")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--input-list", paramLabel = "FILE", description = "A file with input paths, one per line.")
    private @Nullable String inputList;

    @Option(
            names = "--input-format",
            paramLabel = "FORMAT",
            description = "safetensors or arrow: read only such files from folders; parquet: let Spark read the"
                    + " inputs as one table. Default: whatever the folders hold.")
    private @Nullable String inputFormat;

    /** Whether any of these options is given. */
    boolean isGiven() {
        return !inputs.isEmpty() || inputList != null || inputFormat != null;
    }

    /**
     * All input paths, including those of the list.
     *
     * @throws ParameterException if the input format is unknown
     */
    List<String> paths(Configuration hadoop) {
        format();
        List<String> all = new ArrayList<>(inputs);
        if (inputList != null) {
            String text = new String(HadoopFiles.bytes(inputList, hadoop), StandardCharsets.UTF_8);
            text.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(all::add);
        }
        return all;
    }

    /** @throws ParameterException if the input format is unknown */
    private @Nullable InputFormat format() {
        if (inputFormat == null) {
            return null;
        }
        String word = inputFormat;
        return InputFormat.named(word)
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "--input-format must be safetensors, arrow or parquet; got '" + DataProblem.shown(word) + "'"));
    }

    /**
     * A calibration job over these captures.
     *
     * @param paths the result of {@link #paths}
     * @param partitions the target number of tasks; 0 for the default
     */
    CalibrationJob job(
            SparkRuntime runtime,
            Recipe recipe,
            List<String> paths,
            int partitions,
            Configuration hadoop,
            Console console) {
        InputFormat format = format();
        if (format == InputFormat.PARQUET) {
            CaptureListing.check(paths, hadoop);
            return new CalibrationJob(runtime, recipe, new TableInput("", paths, 0), partitions);
        }
        CaptureListing listing = CaptureListing.of(paths, format, hadoop);
        if (listing.skipped() > 0) {
            console.warn(listing.skipped() + " files are not " + CaptureListing.words(format) + " and were skipped");
        }
        return listing.parquet()
                ? new CalibrationJob(
                        runtime,
                        recipe,
                        new TableInput("", paths, listing.files().size()),
                        partitions)
                : new CalibrationJob(runtime, recipe, listing, partitions);
    }
}
