package io.kvscale.job.command;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.input.UserInfo;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.RecipeException;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Reads the files that commands are given, from any Hadoop file system. A plain path is a local file. */
final class HadoopFiles {
    private static final long MAX_BYTES = 1L << 30;
    private static final int MAX_TABLE_BYTES = 64 << 20;
    private static final int MAGIC_LENGTH = CalibrationStatistics.MAGIC.length();

    private HadoopFiles() {}

    /** @throws RecipeException if the recipe is absent or wrong */
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
     * A whole file.
     *
     * @throws InvalidDataException if it is absent, larger than 1 GiB or cannot be read
     */
    static byte[] bytes(String file, Configuration configuration) {
        try {
            Path path = new Path(file);
            FileSystem fs = path.getFileSystem(configuration);
            FileStatus status = fs.getFileStatus(path);
            if (status.isDirectory()) {
                throw new InvalidDataException(DataProblem.of(
                                "this is a folder, not a file", "name the file in it, such as statistics.kvstats")
                        .inFile(file));
            }
            long length = status.getLen();
            if (length > MAX_BYTES) {
                throw new InvalidDataException(
                        problem(file, "the file has " + length + " bytes, more than " + MAX_BYTES));
            }
            try (InputStream in = RegularFile.open(fs, path)) {
                return RegularFile.read(in, length);
            }
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw unreadable(file, e);
        }
    }

    /** The first bytes of a file, as many as {@link CalibrationStatistics#MAGIC} has, as one Latin-1 character each. */
    static String start(String file, Configuration configuration) {
        Path path = new Path(file);
        try (InputStream in = RegularFile.open(path.getFileSystem(configuration), path)) {
            byte[] bytes = in.readNBytes(MAGIC_LENGTH);
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw unreadable(file, e);
        }
    }

    /** The whole path with scheme and authority, without user name and password; as it is if it is no path. */
    static String qualified(String path, Configuration configuration) {
        try {
            Path p = new Path(path);
            return UserInfo.hidden(
                    p.getFileSystem(configuration).makeQualified(p).toString());
        } catch (IOException | RuntimeException e) {
            return path; // Whoever reads it says what is wrong, such as a missing jar.
        }
    }

    /** The status of a file or folder; null if there is none or it cannot be read. */
    static @Nullable FileStatus status(String path, Configuration configuration) {
        try {
            Path p = new Path(path);
            return p.getFileSystem(configuration).getFileStatus(p);
        } catch (IOException | IllegalArgumentException e) {
            return null;
        }
    }

    /** @throws InvalidDataException if the file is not a valid statistics file */
    static CalibrationStatistics statistics(String file, Configuration configuration) {
        return withFile(file, () -> {
            byte[] bytes = bytes(file, configuration);
            String start = new String(bytes, 0, Math.min(bytes.length, MAGIC_LENGTH), StandardCharsets.ISO_8859_1);
            if (!start.equals(CalibrationStatistics.MAGIC)) {
                throw new InvalidDataException(
                        start.stripLeading().startsWith("{")
                                ? "this is JSON, such as a scale table, not a statistics file"
                                : "this is not a statistics file of kvscale",
                        "name the statistics.kvstats that calibrate wrote");
            }
            return CalibrationStatistics.fromByteArray(bytes);
        });
    }

    /** @throws InvalidDataException if the file is not a valid scale table */
    static ScaleTable scaleTable(String file, Configuration configuration) {
        return withFile(file, () -> {
            byte[] json = bytes(file, configuration);
            if (json.length > MAX_TABLE_BYTES) {
                throw new InvalidDataException(
                        "a scale table of " + json.length + " bytes, the maximum is " + MAX_TABLE_BYTES,
                        "name a kv_scales.json, not a data file");
            }
            return ScaleTable.fromJson(json);
        });
    }

    /** Adds the file to an error that names none. */
    static <T> T withFile(String file, Supplier<T> read) {
        try {
            return read.get();
        } catch (InvalidDataException e) {
            throw e.problem().file() == null
                    ? new InvalidDataException(e.problem().inFile(file), e)
                    : e;
        }
    }

    private static InvalidDataException unreadable(String file, Throwable e) {
        if (e instanceof UnusableFileException unusable) {
            return new InvalidDataException(unusable.problem().inFile(file), e);
        }
        String what = e instanceof FileNotFoundException
                ? "the file does not exist"
                : "the file cannot be read: " + ReadFailure.reason(e);
        return new InvalidDataException(problem(file, what), e);
    }

    private static DataProblem problem(String file, String what) {
        return DataProblem.of(what, "check the path").inFile(file);
    }
}
