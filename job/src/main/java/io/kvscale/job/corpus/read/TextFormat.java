package io.kvscale.job.corpus.read;

import java.util.Arrays;
import java.util.Optional;

/** What texts are kept in, told by the ends of file names. */
enum TextFormat {
    /** A file is a text. */
    TEXT(".txt"),
    /** A line is a JSON object. */
    LINES(".jsonl"),
    /** Read by Spark as a table. */
    PARQUET(".parquet");

    private static final String LINES_TOO = ".json";

    private final String extension;

    TextFormat(String extension) {
        this.extension = extension;
    }

    /** The format of files that are taken from folders; there, {@code .json} may be anything. */
    static Optional<TextFormat> inFolder(String name) {
        return Arrays.stream(values())
                .filter(format -> name.endsWith(format.extension))
                .findFirst();
    }

    /** The format of a file named by itself. */
    static Optional<TextFormat> ofFile(String name) {
        return name.endsWith(LINES_TOO) ? Optional.of(LINES) : inFolder(name);
    }
}
