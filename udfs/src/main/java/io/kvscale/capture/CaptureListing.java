package io.kvscale.capture;

import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import io.kvscale.input.InputWalk;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The capture files of the inputs. Folders are listed; no file is opened.
 *
 * @param files in the order of their names' UTF-8 bytes
 * @param skipped number of files in folders that are not captures, without hidden files
 * @param table whether Spark reads the files as one table; otherwise each file is a capture
 */
public record CaptureListing(List<InputFile> files, long skipped, boolean table) {
    private static final String OPTION = "--input, or the data source's path";

    /** Whether some file may hold named tensors, by the names of the files; else all are tables. */
    public boolean mayHoldTensors() {
        return mayBe(CaptureFormat::fileNamesSample);
    }

    /** Whether some file may be a table, by the names of the files; else all hold named tensors. */
    public boolean mayHoldTables() {
        return mayBe(format -> !format.fileNamesSample());
    }

    private boolean mayBe(Predicate<CaptureFormat> kind) {
        return files.stream()
                .anyMatch(file ->
                        CaptureFormats.ofFile(file.path()).map(kind::test).orElse(true));
    }

    public long bytes() {
        return files.stream().mapToLong(InputFile::length).sum();
    }

    /**
     * The same files, each with {@link FileVersion#withChange}, for a state that outlives this run.
     *
     * @throws InvalidDataException if a file is gone
     */
    public CaptureListing withChanges(Configuration configuration) {
        return new CaptureListing(
                files.stream().map(file -> file.withChange(configuration)).toList(), skipped, table);
    }

    /**
     * Lists captures; files of formats that Spark reads as a table are skipped in folders.
     *
     * @param inputs folders, which are walked recursively, files, or Hadoop globs
     * @throws InvalidDataException if an input does not exist, no file is found, or two files have the same name
     */
    public static CaptureListing of(List<String> inputs, Configuration configuration) {
        List<CaptureFormat> captures = CaptureFormats.ALL.stream()
                .filter(format -> !format.isSparkTable())
                .toList();
        return of(inputs, captures, files -> false, configuration, files -> {});
    }

    /**
     * Lists captures or the files of a table.
     *
     * @param format the format of files to take from folders; null for any format
     * @param listed receives numbers of files as they are found, from several threads
     * @throws InvalidDataException as {@link #of(List, Configuration)}, or if the inputs mix a table with captures
     */
    public static CaptureListing of(
            List<String> inputs, @Nullable CaptureFormat format, Configuration configuration, LongConsumer listed) {
        return of(
                inputs,
                taken(format),
                format == null ? CaptureListing::isTable : files -> format.isSparkTable(),
                configuration,
                listed);
    }

    private static CaptureListing of(
            List<String> inputs,
            List<CaptureFormat> taken,
            Predicate<List<InputFile>> isTable,
            Configuration configuration,
            LongConsumer listed) {
        InputWalk walk = new InputWalk(
                inputs,
                name -> taken.stream().anyMatch(format -> format.hasExtension(name)),
                ModelConfig.FILE::equals,
                OPTION,
                configuration,
                listed);
        List<InputFile> files = walk.list(extensions(taken), "give a folder of captures, or the files themselves");
        boolean table = isTable.test(files);
        if (!table) {
            InputWalk.checkNames(files);
        }
        return new CaptureListing(files, walk.skipped(), table);
    }

    /**
     * Checks that inputs exist, without listing them.
     *
     * @throws InvalidDataException if one does not exist
     */
    public static void check(List<String> inputs, Configuration configuration) {
        new InputWalk(inputs, name -> true, OPTION, configuration).check();
    }

    private static List<CaptureFormat> taken(@Nullable CaptureFormat format) {
        return format == null ? CaptureFormats.ALL : List.of(format);
    }

    /** The extensions of the files that are taken from folders, for messages: {@code .arrow or .arrows}. */
    public static String extensions(@Nullable CaptureFormat format) {
        return extensions(taken(format));
    }

    private static String extensions(List<CaptureFormat> formats) {
        return CaptureFormats.either(
                formats.stream().flatMap(format -> format.extensions().stream()).toList());
    }

    private static boolean isTable(List<InputFile> files) {
        Map<Boolean, List<InputFile>> byKind = files.stream()
                .collect(Collectors.partitioningBy(file -> CaptureFormats.ofFile(file.path())
                        .filter(CaptureFormat::isSparkTable)
                        .isPresent()));
        List<InputFile> tables = byKind.getOrDefault(true, List.of());
        List<InputFile> captures = byKind.getOrDefault(false, List.of());
        if (!tables.isEmpty() && !captures.isEmpty()) {
            throw new InvalidDataException(
                    "the inputs mix a table with captures: "
                            + DataProblem.shown(tables.get(0).path()) + " and "
                            + DataProblem.shown(captures.get(0).path()),
                    "select one format with --input-format, or give a folder that holds only one kind");
        }
        return captures.isEmpty();
    }
}
