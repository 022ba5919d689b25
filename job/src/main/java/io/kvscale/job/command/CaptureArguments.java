package io.kvscale.job.command;

import io.kvscale.capture.CaptureFormat;
import io.kvscale.capture.CaptureFormats;
import io.kvscale.capture.CaptureListing;
import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.TableInput;
import io.kvscale.job.console.Console;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.job.spark.Work;
import io.kvscale.job.state.StateFolder;
import io.kvscale.tensor.DataProblem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Options about the captures that a calibration reads. */
final class CaptureArguments extends CommandPart {
    @Option(
            names = "--input",
            paramLabel = "PATH",
            arity = "1..*",
            preprocessor = PathList.class,
            description = "Captures: folders, files or globs, local or on a Hadoop file system; or Parquet. After"
                    + " --input -- all words are paths.")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--input-list", paramLabel = "FILE", description = "A file with input paths, one per line.")
    private @Nullable String inputList;

    @Option(
            names = "--input-format",
            paramLabel = "FORMAT",
            completionCandidates = Formats.class,
            description = "One of ${COMPLETION-CANDIDATES}: take only files of this format from folders. Spark reads"
                    + " parquet as one table. Default: any format.")
    private @Nullable String inputFormat;

    private static final class Formats implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return CaptureFormats.words().iterator();
        }
    }

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
    private @Nullable CaptureFormat format() {
        if (inputFormat == null) {
            return null;
        }
        String word = inputFormat;
        return CaptureFormats.named(word)
                .orElseThrow(() -> error("--input-format must be " + CaptureFormats.either(CaptureFormats.words())
                        + "; got '" + DataProblem.shown(word) + "'"));
    }

    /**
     * A calibration job over these captures.
     *
     * @param paths the result of {@link #paths}
     * @param state keeps the statistics of captures; null for none
     * @throws ParameterException if there is a state, and the inputs are a table
     */
    CalibrationJob job(
            SparkRuntime runtime,
            Recipe recipe,
            List<String> paths,
            Configuration hadoop,
            Console console,
            @Nullable StateFolder state) {
        CaptureFormat format = format();
        if (format != null && format.isSparkTable()) {
            refuse(state);
            CaptureListing.check(paths, hadoop);
            return CalibrationJob.ofTable(runtime, recipe, new TableInput("", paths, 0));
        }
        CaptureListing listing = console.progress()
                .count(new Work.Listing(), listed -> CaptureListing.of(paths, format, hadoop, listed));
        if (listing.skipped() > 0) {
            console.warn(
                    listing.skipped() + " files are not " + CaptureListing.extensions(format) + " and were skipped");
        }
        if (listing.table()) {
            refuse(state);
            return CalibrationJob.ofTable(
                    runtime, recipe, new TableInput("", paths, listing.files().size()));
        }
        return CalibrationJob.ofCaptures(runtime, recipe, listing, state);
    }

    private void refuse(@Nullable StateFolder state) {
        if (state != null) {
            throw error("--state is for captures and texts: Spark reads Parquet as one table, without its files");
        }
    }
}
