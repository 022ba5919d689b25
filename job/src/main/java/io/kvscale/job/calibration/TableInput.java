package io.kvscale.job.calibration;

import io.kvscale.capture.layout.TableTensorParser;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.TableErrors;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import java.util.List;
import java.util.function.Supplier;

/**
 * A table of K and V, one tensor per row.
 *
 * @param name a table or view in Spark's catalog; empty for Parquet files
 * @param parquet Parquet files, folders and globs, resolved by Spark
 * @param listedFiles the number of Parquet files that kvscale listed, to compare with Spark's; 0: not listed
 */
public record TableInput(String name, List<String> parquet, int listedFiles) {
    public static TableInput named(String name) {
        return new TableInput(name, List.of(), 0);
    }

    /** @throws InvalidOptionException if the recipe cannot be applied to a table */
    void check(Recipe recipe) {
        new TableTensorParser(recipe.capture());
        for (QuantizationScheme scheme : recipe.schemes().all()) {
            if (scheme.observer().needsBatches()) {
                throw new InvalidOptionException(
                        "observer " + scheme.observer().word()
                                + " depends on the order of batches, but table rows have no order",
                        "set observer: static_minmax, or calibrate on safetensors files");
            }
        }
    }

    boolean isParquet() {
        return name.isEmpty();
    }

    /** Runs an action that reads the table. Turns Spark's errors about it into errors about the input. */
    <T> T withContext(Supplier<T> reading) {
        return TableErrors.withContext(
                shown(),
                isParquet()
                        ? "check --input: the Parquet files need one schema, and nothing may write to them; Spark"
                                + " reads only subfolders named column=value"
                        : "check --table, and the catalogs set with --conf",
                reading);
    }

    /** The name for messages. */
    public String shown() {
        return isParquet()
                ? DataProblem.shown(String.join(", ", parquet))
                : DataProblem.TABLE + DataProblem.shown(name);
    }
}
