package io.kvscale.job;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.DataProblem;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Refuses command lines with an option that is also the name of an existing file. A shell's glob turns a downloaded file
 * named {@code --conf=NAME=VALUE} into an option that the user did not write.
 */
final class FilesNamedAsOptions {
    private FilesNamedAsOptions() {}

    /** @throws InvalidOptionException if a word before {@code --} begins with a hyphen and names a file */
    static void refuse(String... words) {
        for (String word : words) {
            if (word.equals("--")) {
                return;
            }
            if (word.startsWith("-") && isFile(word)) {
                throw new InvalidOptionException(
                        "'" + DataProblem.shown(word) + "' is an option and also the name of a file in this folder",
                        "write -- before the paths, as in --input -- *.safetensors, or rename the file");
            }
        }
    }

    private static boolean isFile(String word) {
        try {
            return Files.exists(Path.of(word), LinkOption.NOFOLLOW_LINKS);
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
