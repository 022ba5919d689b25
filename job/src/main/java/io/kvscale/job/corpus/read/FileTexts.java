package io.kvscale.job.corpus.read;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** The texts of a piece of a file: those lines that begin in it, or the whole file if it is one text. */
final class FileTexts implements Closeable {
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    private final FilePiece piece;
    private final InputFile file;
    private final Configuration configuration;
    private final long before;
    private @Nullable FSDataInputStream in;
    private @Nullable Lines lines;
    private boolean begun;

    /** @param before how many lines end before the piece */
    FileTexts(FilePiece piece, long before, Configuration configuration) {
        this.piece = piece;
        this.file = piece.file();
        this.before = before;
        this.configuration = configuration;
    }

    /**
     * The error of a read that failed for good.
     *
     * @throws java.io.UncheckedIOException if Spark should try again
     */
    static DataProblem failed(InputFile file, IOException failure, RetryPolicy retries) {
        retries.failed(failure);
        return DataProblem.of(
                        "the file cannot be read: " + failure,
                        "check the file, and that nothing writes to it while it is read")
                .inFile(file.name());
    }

    static boolean areLines(InputFile file) {
        return TextListing.format(file) == TextFormat.LINES;
    }

    static FSDataInputStream open(InputFile file, Configuration configuration) throws IOException {
        Path path = new Path(file.path());
        FileSystem files = path.getFileSystem(configuration);
        // Past the checksum files: the names of some have a colon, of which Hadoop makes no such file's name.
        return files instanceof LocalFileSystem local ? local.getRaw().open(path) : files.open(path);
    }

    /** The next text; null behind the last. @throws IOException if the file cannot be read, or is not as listed */
    @Nullable
    RawText next() throws IOException {
        if (areLines(file)) {
            return line();
        }
        boolean whole = !begun && piece.start() == 0;
        begun = true;
        return whole ? new RawText(file.stem(), file.name(), whole()) : null;
    }

    private RawText.Content whole() throws IOException {
        if (file.length() > RawText.MAX_BYTES) {
            return new RawText.TooLong();
        }
        try (InputStream all = open(file, configuration)) {
            byte[] bytes = all.readNBytes((int) file.length());
            if (bytes.length < file.length()) {
                throw new EOFException("the file is shorter than the " + file.length() + " bytes it was listed with");
            }
            return new RawText.Plain(marked(bytes) ? Arrays.copyOfRange(bytes, 3, bytes.length) : bytes);
        }
    }

    private @Nullable RawText line() throws IOException {
        Lines all = lines;
        if (all == null) {
            FSDataInputStream opened = open(file, configuration);
            in = opened;
            all = new Lines(opened, file.length(), piece.start(), piece.end(), before, RawText.MAX_BYTES);
            lines = all;
        }
        for (byte[] line = all.read(); line != null; line = all.read()) {
            byte[] bytes = all.number() == 1 && marked(line) ? Arrays.copyOfRange(line, 3, line.length) : line;
            if (all.isTooLong() || !isBlank(bytes)) {
                return new RawText(
                        file.stem() + "/" + all.number(),
                        file.name() + ", line " + all.number(),
                        all.isTooLong() ? new RawText.TooLong() : new RawText.Json(bytes));
            }
        }
        return null;
    }

    private static boolean marked(byte[] bytes) {
        return bytes.length >= 3 && Arrays.equals(bytes, 0, 3, BYTE_ORDER_MARK, 0, 3);
    }

    private static boolean isBlank(byte[] line) {
        for (byte b : line) {
            if (b != ' ' && b != '\t' && b != '\r') {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        FSDataInputStream opened = in;
        if (opened != null) {
            opened.close();
        }
    }
}
