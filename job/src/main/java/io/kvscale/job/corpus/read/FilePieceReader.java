package io.kvscale.job.corpus.read;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of a piece of a file: each line that begins in the piece, or the whole file if it is one text. A text
 * file belongs to the piece that holds its first byte.
 */
final class FilePieceReader implements Closeable {
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};
    private static final byte[] NONE = {};

    private final FilePiece piece;
    private final InputFile file;
    private final Configuration configuration;
    private final long linesBefore;
    private @Nullable FSDataInputStream in;
    private @Nullable LineReader lines;
    private boolean begun;

    /** @param linesBefore number of lines of the file that end before the piece */
    FilePieceReader(FilePiece piece, long linesBefore, Configuration configuration) {
        this.piece = piece;
        this.file = piece.file();
        this.linesBefore = linesBefore;
        this.configuration = configuration;
    }

    /**
     * The error of a read that failed for good.
     *
     * @throws java.io.UncheckedIOException if Spark should try again
     */
    static DataProblem failed(InputFile file, IOException failure, RetryPolicy retries) {
        retries.failed(failure);
        if (failure instanceof UnusableFileException unusable) {
            return unusable.problem().inFile(file.name());
        }
        return DataProblem.of("the file cannot be read: " + ReadFailure.reason(failure), file.remedy())
                .inFile(file.name());
    }

    static FSDataInputStream open(InputFile file, Configuration configuration) throws IOException {
        Path path = new Path(file.path());
        return RegularFile.open(path.getFileSystem(configuration), path, file.length());
    }

    /**
     * The next record; null after the last.
     *
     * @throws IOException if the file cannot be read, is shorter than listed, or has changed since
     */
    @Nullable
    RawRecord next() throws IOException {
        RawRecord next = read();
        if (next == null) {
            file.checkUnchanged(configuration);
        }
        return next;
    }

    private @Nullable RawRecord read() throws IOException {
        if (TextFormat.of(file) == TextFormat.LINES) {
            return line();
        }
        boolean whole = !begun && piece.start() == 0;
        begun = true;
        return whole ? whole() : null;
    }

    private RawRecord whole() throws IOException {
        if (file.length() > RawRecord.MAX_BYTES) {
            return new RawRecord(file.stem(), file.name(), RawRecord.Kind.TOO_LONG, NONE);
        }
        try (InputStream all = open(file, configuration)) {
            byte[] bytes = all.readNBytes((int) file.length());
            if (bytes.length < file.length()) {
                throw new EOFException("the file is shorter than the " + file.length() + " bytes it was listed with");
            }
            return new RawRecord(file.stem(), file.name(), RawRecord.Kind.PLAIN, withoutMark(bytes));
        }
    }

    private @Nullable RawRecord line() throws IOException {
        LineReader all = lines;
        if (all == null) {
            FSDataInputStream opened = open(file, configuration);
            in = opened;
            all = new LineReader(opened, file.length(), piece.start(), piece.end(), linesBefore, RawRecord.MAX_BYTES);
            lines = all;
        }
        for (byte[] line = all.read(); line != null; line = all.read()) {
            byte[] bytes = all.number() == 1 ? withoutMark(line) : line;
            if (all.isTooLong() || !isBlank(bytes)) {
                return new RawRecord(
                        file.stem() + "/" + all.number(),
                        file.name() + ", line " + all.number(),
                        all.isTooLong() ? RawRecord.Kind.TOO_LONG : RawRecord.Kind.JSON,
                        bytes);
            }
        }
        return null;
    }

    private static byte[] withoutMark(byte[] bytes) {
        boolean marked = bytes.length >= 3 && Arrays.equals(bytes, 0, 3, BYTE_ORDER_MARK, 0, 3);
        return marked ? Arrays.copyOfRange(bytes, 3, bytes.length) : bytes;
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
