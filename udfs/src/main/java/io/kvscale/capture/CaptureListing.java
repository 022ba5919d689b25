package io.kvscale.capture;

import io.kvscale.capture.layout.InputFormat;
import io.kvscale.input.InputFile;
import io.kvscale.input.InputWalk;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The files of a corpus: found by listing alone, none is opened.
 *
 * @param files in the order of their names' UTF-8 bytes
 * @param skipped files passed over because they are not captures, hidden ones not counted
 * @param parquet whether the files are Parquet, which Spark reads as one table; else each is a capture
 */
public record CaptureListing(List<InputFile> files, long skipped, boolean parquet) {
    /** What is looked for in folders where no format is named, beside Parquet. */
    private static final Set<InputFormat> CAPTURES = Set.of(InputFormat.SAFETENSORS, InputFormat.ARROW);

    private static final String OPTION = "--input, or the source's path";

    public long bytes() {
        return files.stream().mapToLong(InputFile::length).sum();
    }

    /**
     * Captures that are read one by one; Parquet files in folders are passed over.
     *
     * @throws InvalidDataException if an input does not exist, nothing is found, or two files have the same name
     */
    public static CaptureListing of(List<String> inputs, Configuration configuration) {
        CaptureListing listing = of(inputs, CAPTURES, configuration);
        checkNames(listing.files);
        return listing;
    }

    /**
     * Captures, or a table in Parquet files.
     *
     * @param format of the files to take from folders; null: whichever is there
     * @throws InvalidDataException as {@link #of(List, Configuration)} does, or if Parquet files lie among captures
     */
    public static CaptureListing of(List<String> inputs, @Nullable InputFormat format, Configuration configuration) {
        CaptureListing listing = of(inputs, taken(format), configuration);
        if (isParquet(listing.files, format)) {
            return new CaptureListing(listing.files, listing.skipped, true);
        }
        checkNames(listing.files);
        return listing;
    }

    /**
     * Lists folders recursively, what globs (Hadoop's) find as if it were a folder's, and files named by themselves.
     *
     * @throws InvalidDataException if an input does not exist, or nothing is found
     */
    private static CaptureListing of(List<String> inputs, Set<InputFormat> taken, Configuration configuration) {
        InputWalk walk = new InputWalk(
                inputs.size() > 1,
                name -> InputFormat.ofFile(name).filter(taken::contains).isPresent(),
                OPTION);
        inputs.forEach(input -> walk.add(input, configuration));
        List<InputFile> files = walk.files();
        if (files.isEmpty()) {
            throw problem(
                    "no " + words(taken) + " file in " + shown(inputs)
                            + (walk.skipped() > 0 ? " (" + walk.skipped() + " other files)" : ""),
                    "point --input, or the source's path, at a folder of captures, or name the files themselves");
        }
        return new CaptureListing(files, walk.skipped(), false);
    }

    /**
     * Looks whether inputs are there, for whoever lists them in another way.
     *
     * @throws InvalidDataException if one does not exist
     */
    public static void check(List<String> inputs, Configuration configuration) {
        InputWalk walk = new InputWalk(inputs.size() > 1, name -> true, OPTION);
        inputs.forEach(input -> walk.check(input, configuration));
    }

    private static Set<InputFormat> taken(@Nullable InputFormat format) {
        Set<InputFormat> all = new TreeSet<>(CAPTURES);
        all.add(InputFormat.PARQUET);
        return format == null ? all : Set.of(format);
    }

    /** The ends of the names of files that are taken from folders, for messages. */
    public static String words(@Nullable InputFormat format) {
        return words(taken(format));
    }

    private static String words(Set<InputFormat> formats) {
        List<String> words = formats.stream()
                .sorted()
                .flatMap(format -> format.extensions().stream())
                .toList();
        int last = words.size() - 1;
        return last == 0 ? words.get(0) : String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }

    private static boolean isParquet(List<InputFile> files, @Nullable InputFormat format) {
        if (format != null) {
            return format == InputFormat.PARQUET;
        }
        Map<Boolean, InputFile> first = new HashMap<>();
        files.forEach(file ->
                first.putIfAbsent(InputFormat.ofFile(file.path()).equals(Optional.of(InputFormat.PARQUET)), file));
        InputFile table = first.get(true);
        InputFile capture = first.get(false);
        if (table != null && capture != null) {
            throw problem(
                    "Parquet files lie among other captures: " + DataProblem.shown(table.path()) + " and "
                            + DataProblem.shown(capture.path()),
                    "calibrate on one kind: name it with --input-format, or point --input at a folder of its own");
        }
        return table != null;
    }

    /** @throws InvalidDataException if two files have the same sample name */
    public static void checkNames(List<InputFile> files) {
        Map<String, InputFile> samples = new HashMap<>();
        for (InputFile file : files) {
            InputFile other = samples.put(file.stem(), file);
            if (other != null) {
                throw problem(
                        "two files have the sample name '" + DataProblem.shown(file.stem()) + "': "
                                + DataProblem.shown(other.path()) + " and " + DataProblem.shown(file.path()),
                        "rename one, or calibrate on a folder above both");
            }
        }
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }

    private static String shown(List<String> inputs) {
        return DataProblem.shown(String.join(", ", inputs));
    }
}
