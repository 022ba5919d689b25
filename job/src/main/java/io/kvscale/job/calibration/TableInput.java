package io.kvscale.job.calibration;

import io.kvscale.capture.layout.TableTensorParser;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkErrors;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import java.util.List;
import java.util.function.Supplier;

/**
 * A table of K and V, one row a tensor.
 *
 * @param name of a table or view that Spark knows; empty: the table is in Parquet files
 * @param parquet files, folders and globs of Parquet, taken as Spark takes them
 * @param walked how many files a walk through them found; 0: none was made
 */
public record TableInput(String name, List<String> parquet, int walked) {
    public static TableInput named(String name) {
        return new TableInput(name, List.of(), 0);
    }

    /**
     * Says of a recipe what no table can follow, before Spark starts.
     *
     * @throws InvalidOptionException with the remedy
     */
    void check(Recipe recipe) {
        new TableTensorParser(recipe.capture());
        for (QuantizationScheme scheme : recipe.schemes().all()) {
            if (scheme.observer().needsBatches()) {
                throw new InvalidOptionException(
                        "observer " + scheme.observer().word()
                                + " depends on the order of batches, and the rows of a table have none",
                        "say observer: static_minmax, or calibrate on safetensors files");
            }
        }
    }

    boolean isParquet() {
        return name.isEmpty();
    }

    /** Reads it, and puts into words what Spark has against it. */
    <T> T withContext(Supplier<T> reading) {
        return SparkErrors.withContext(
                shown(),
                isParquet()
                        ? "check --input: Parquet files of one schema, that nothing writes to; of subfolders,"
                                + " Spark takes those named column=value only"
                        : "check --table, and the catalogs that Spark is told of (--conf)",
                reading);
    }

    /** What messages call it. */
    public String shown() {
        return isParquet()
                ? DataProblem.shown(String.join(", ", parquet))
                : DataProblem.TABLE + DataProblem.shown(name);
    }
}
