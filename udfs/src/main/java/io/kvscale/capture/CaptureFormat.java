package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import java.io.IOException;
import java.util.List;

/** A file format of captures. A new format is a subclass and one line in {@link CaptureFormats}. */
public abstract class CaptureFormat {
    private final String word;
    private final List<String> extensions;

    /**
     * @param word the name of the format on the command line, in lower case
     * @param extensions the ends of its files' names, with the dot
     */
    CaptureFormat(String word, String... extensions) {
        this.word = word;
        this.extensions = List.of(extensions);
    }

    final String word() {
        return word;
    }

    final List<String> extensions() {
        return extensions;
    }

    final boolean hasExtension(String fileName) {
        return extensions.stream().anyMatch(fileName::endsWith);
    }

    /** Whether Spark reads all files of this format as one table. Other formats are read file by file. */
    public boolean isSparkTable() {
        return false;
    }

    /** Whether the name of a file is the name of its sample. False by default: the rows of the file name their samples. */
    boolean fileNamesSample() {
        return false;
    }

    /**
     * Recognizes a file of this format. At most one format may recognize a file.
     *
     * @param start the file's first 8 bytes as a little-endian number; 0 for a shorter file
     */
    abstract boolean recognizes(long start);

    /**
     * Reads and checks everything in the file except the values.
     *
     * @param start as for {@link #recognizes}
     * @throws io.kvscale.tensor.InvalidDataException if the file is not a valid capture
     */
    abstract CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException;
}
