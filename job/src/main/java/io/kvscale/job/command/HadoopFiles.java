package io.kvscale.job.command;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.RecipeException;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** HadoopFiles that commands are given by name: of any file system that Hadoop knows, local ones by their plain path. */
final class HadoopFiles {
    private static final long MAX_BYTES = 1L << 30;

    private HadoopFiles() {}

    /** @throws RecipeException if it is absent or wrong */
    static Recipe recipe(String file, Configuration configuration) {
        Path path;
        try {
            path = new Path(file);
        } catch (IllegalArgumentException e) {
            throw new InvalidOptionException("the recipe '" + file + "' is not a path", "name a file with --recipe");
        }
        return Recipe.read(path, configuration);
    }

    /**
     * A whole file, of at most 1 GB.
     *
     * @throws InvalidDataException if it is absent, too long or cannot be read
     */
    static byte[] bytes(String file, Configuration configuration) {
        try {
            Path path = new Path(file);
            FileSystem fs = path.getFileSystem(configuration);
            long length = fs.getFileStatus(path).getLen();
            if (length > MAX_BYTES) {
                throw problem(file, "the file has " + length + " bytes, more than any of kvscale's", null);
            }
            try (InputStream in = fs.open(path)) {
                return in.readAllBytes();
            }
        } catch (IOException | IllegalArgumentException e) {
            throw problem(file, "the file cannot be read: " + e.getMessage(), e);
        }
    }

    /** The first bytes of a file, as many as {@link CalibrationStatistics#MAGIC} has, one character each. */
    static String start(String file, Configuration configuration) {
        try {
            Path path = new Path(file);
            try (InputStream in = path.getFileSystem(configuration).open(path)) {
                byte[] bytes = in.readNBytes(CalibrationStatistics.MAGIC.length());
                return new String(bytes, StandardCharsets.ISO_8859_1);
            }
        } catch (IOException | IllegalArgumentException e) {
            throw problem(file, "the file cannot be read: " + e.getMessage(), e);
        }
    }

    /** @throws InvalidDataException if it is not an undamaged statistics file */
    static CalibrationStatistics statistics(String file, Configuration configuration) {
        return named(file, () -> CalibrationStatistics.fromByteArray(bytes(file, configuration)));
    }

    /** @throws InvalidDataException if the bytes of that file are not a scale table */
    static ScaleTable scaleTable(String file, byte[] bytes) {
        return named(file, () -> ScaleTable.fromJson(bytes));
    }

    private static <T> T named(String file, Supplier<T> read) {
        try {
            return read.get();
        } catch (InvalidDataException e) {
            throw e.problem().file() == null
                    ? new InvalidDataException(e.problem().inFile(file), e)
                    : e;
        }
    }

    private static InvalidDataException problem(
            String file, String what, @org.jspecify.annotations.Nullable Exception cause) {
        DataProblem problem = DataProblem.of(what, "check the path").inFile(file);
        return cause == null ? new InvalidDataException(problem) : new InvalidDataException(problem, cause);
    }
}
