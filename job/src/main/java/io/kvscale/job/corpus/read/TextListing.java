package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.input.InputWalk;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/**
 * The text files of the inputs. Listing opens no file.
 *
 * @param files in the order of their names' UTF-8 bytes
 * @param skipped number of files that are not texts, without hidden files
 * @param parquet whether the files are Parquet, which Spark reads as one table
 */
record TextListing(List<InputFile> files, long skipped, boolean parquet) {
    /**
     * @throws InvalidDataException if an input does not exist, no text file is found, a file has an unknown extension,
     *     Parquet and other files are mixed, or two files have the same name
     */
    static TextListing of(List<String> inputs, Configuration configuration) {
        InputWalk walk = new InputWalk(inputs, name -> TextFormat.inFolder(name).isPresent(), "--text", configuration);
        List<InputFile> files =
                walk.list(TextFormat.EXTENSIONS, "point --text at a folder of texts, or at the files themselves");
        SortedMap<TextFormat, List<InputFile>> byFormat =
                files.stream().collect(Collectors.groupingBy(TextFormat::of, TreeMap::new, Collectors.toList()));
        boolean parquet = byFormat.lastKey() == TextFormat.PARQUET;
        if (parquet && byFormat.size() > 1) {
            List<List<InputFile>> kinds = List.copyOf(byFormat.values());
            throw new InvalidDataException(
                    "the input mixes Parquet files with other texts: " + firstPath(kinds.get(kinds.size() - 1))
                            + " and " + firstPath(kinds.get(0)),
                    "point --text at files of one kind, or at a folder that holds only one kind");
        }
        if (!parquet) {
            // a.jsonl and a.txt may coexist: lines have names of their own. BatchPlan checks the names of sequences.
            byFormat.values().forEach(InputWalk::checkNames);
        }
        return new TextListing(files, walk.skipped(), parquet);
    }

    private static String firstPath(List<InputFile> files) {
        return DataProblem.shown(files.get(0).path());
    }
}
