package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.input.InputWalk;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The files of a corpus of text: found by listing alone, none is opened.
 *
 * @param files in the order of their names' UTF-8 bytes
 * @param skipped files passed over because they are not texts, hidden ones not counted
 * @param parquet whether the files are Parquet, which Spark reads as one table
 */
record TextListing(List<InputFile> files, long skipped, boolean parquet) {
    private static final String ENDINGS = ".txt, .jsonl or .parquet";

    /**
     * @throws InvalidDataException if an input does not exist, nothing is found, a file may be anything, Parquet files
     *     lie among others, or two files have the same name
     */
    static TextListing of(List<String> inputs, Configuration configuration) {
        InputWalk walk = new InputWalk(
                inputs.size() > 1, name -> TextFormat.inFolder(name).isPresent(), "--text");
        inputs.forEach(input -> walk.add(input, configuration));
        List<InputFile> files = walk.files();
        if (files.isEmpty()) {
            throw problem(
                    "no " + ENDINGS + " file in " + DataProblem.shown(String.join(", ", inputs))
                            + (walk.skipped() > 0 ? " (" + walk.skipped() + " other files)" : ""),
                    "point --text at a folder of texts, or name the files themselves");
        }
        boolean parquet = isParquet(files);
        if (!parquet) {
            // Lines have names of their own; whether sequences do shows when they are planned.
            InputWalk.checkNames(files.stream().filter(FileTexts::areLines).toList());
            InputWalk.checkNames(
                    files.stream().filter(file -> !FileTexts.areLines(file)).toList());
        }
        return new TextListing(files, walk.skipped(), parquet);
    }

    private static boolean isParquet(List<InputFile> files) {
        @Nullable InputFile table = null;
        @Nullable InputFile other = null;
        for (InputFile file : files) {
            if (format(file) == TextFormat.PARQUET) {
                table = table == null ? file : table;
            } else {
                other = other == null ? file : other;
            }
        }
        if (table != null && other != null) {
            throw problem(
                    "Parquet files lie among other texts: " + DataProblem.shown(table.path()) + " and "
                            + DataProblem.shown(other.path()),
                    "point --text at one kind, or at a folder of its own");
        }
        return table != null;
    }

    /** @throws InvalidDataException if the file's name does not tell; only one named by itself can be such */
    static TextFormat format(InputFile file) {
        return TextFormat.ofFile(file.path())
                .orElseThrow(() -> problem(
                        "the name of " + DataProblem.shown(file.path()) + " does not say what kind of text it holds",
                        "unpack it if it is packed, or rename it to end with " + ENDINGS));
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
