package io.kvscale.job.corpus.read;

import io.kvscale.capture.CaptureFormats;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.Arrays;
import java.util.Optional;

/** The formats of text files, recognized by file name extension. */
enum TextFormat {
    /** One text per file. */
    TEXT(".txt"),
    /** One JSON object per line. */
    LINES(".jsonl"),
    /** Spark reads all files as one table. */
    PARQUET(".parquet");

    /** The extensions, for messages. */
    static final String EXTENSIONS = CaptureFormats.either(
            Arrays.stream(values()).map(format -> format.extension).toList());

    private final String extension;

    TextFormat(String extension) {
        this.extension = extension;
    }

    /** The format of a file found in a folder; empty if it is not read. {@code .json} files there are not texts. */
    static Optional<TextFormat> inFolder(String name) {
        return Arrays.stream(values())
                .filter(format -> name.endsWith(format.extension))
                .findFirst();
    }

    /**
     * The format of a listed file. {@code .json} counts as {@code .jsonl}, because only a file that the user named can have
     * it.
     *
     * @throws InvalidDataException for any other extension, which only a file that the user named can have
     */
    static TextFormat of(InputFile file) {
        return file.path().endsWith(".json")
                ? LINES
                : inFolder(file.path())
                        .orElseThrow(() -> new InvalidDataException(DataProblem.of(
                                "the name of " + DataProblem.shown(file.path())
                                        + " does not tell the format of its texts",
                                "decompress it if it is compressed, or rename it to end with " + EXTENSIONS)));
    }
}
