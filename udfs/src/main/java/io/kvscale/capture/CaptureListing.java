package io.kvscale.capture;

import io.kvscale.input.InputFile;
import io.kvscale.input.InputWalk;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;
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

    public long bytes() {
        return files.stream().mapToLong(InputFile::length).sum();
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
        return checked(walk(inputs, captures, configuration));
    }

    /**
     * Lists captures or the files of a table.
     *
     * @param format the format of files to take from folders; null for any format
     * @throws InvalidDataException as {@link #of(List, Configuration)}, or if the inputs mix a table with captures
     */
    public static CaptureListing of(List<String> inputs, @Nullable CaptureFormat format, Configuration configuration) {
        CaptureListing found = walk(inputs, taken(format), configuration);
        boolean table = format == null ? isTable(found.files) : format.isSparkTable();
        return table ? new CaptureListing(found.files, found.skipped, true) : checked(found);
    }

    private static CaptureListing checked(CaptureListing listing) {
        InputWalk.checkNames(listing.files);
        return listing;
    }

    private static CaptureListing walk(List<String> inputs, List<CaptureFormat> taken, Configuration configuration) {
        InputWalk walk = new InputWalk(
                inputs.size() > 1, name -> taken.stream().anyMatch(format -> format.hasExtension(name)), OPTION);
        inputs.forEach(input -> walk.add(input, configuration));
        List<InputFile> files = walk.files();
        if (files.isEmpty()) {
            throw problem(
                    "no " + extensions(taken) + " file in " + DataProblem.shown(String.join(", ", inputs))
                            + (walk.skipped() > 0 ? " (" + walk.skipped() + " other files)" : ""),
                    "give a folder of captures, or the files themselves, to " + OPTION);
        }
        return new CaptureListing(files, walk.skipped(), false);
    }

    /**
     * Checks that inputs exist, without listing them.
     *
     * @throws InvalidDataException if one does not exist
     */
    public static void check(List<String> inputs, Configuration configuration) {
        InputWalk walk = new InputWalk(inputs.size() > 1, name -> true, OPTION);
        inputs.forEach(input -> walk.check(input, configuration));
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
        Map<Boolean, InputFile> first = files.stream()
                .collect(Collectors.toMap(
                        file -> CaptureFormats.ofFile(file.path())
                                .filter(CaptureFormat::isSparkTable)
                                .isPresent(),
                        file -> file,
                        (earlier, later) -> earlier));
        InputFile table = first.get(true);
        InputFile capture = first.get(false);
        if (table != null && capture != null) {
            throw problem(
                    "the inputs mix a table with captures: " + DataProblem.shown(table.path()) + " and "
                            + DataProblem.shown(capture.path()),
                    "select one format with --input-format, or give a folder that holds only one kind");
        }
        return table != null;
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
