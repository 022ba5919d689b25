package io.kvscale.job.corpus.read;

import java.io.EOFException;
import java.io.IOException;
import java.util.Arrays;
import org.apache.hadoop.fs.FSDataInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of a file that begin within a range of bytes. A line ends at {@code \n} or at the end of the file. Only
 * one line is in memory at a time.
 */
final class LineReader {
    private static final int BUFFER = 64 << 10;
    private static final int END = -1;

    private final FSDataInputStream in;
    private final long length;
    private final long end;
    private final int longest;
    private final byte[] buffer = new byte[BUFFER];
    private int at;
    private int filled;
    /** File position of {@code buffer[at]}. */
    private long position;

    /** Number of lines of the file that end before {@code position}. */
    private long ended;

    private byte[] line = new byte[256];
    private int size;
    private boolean tooLong;
    private long number;

    /**
     * @param in the file; the caller closes it
     * @param length of the file, as listed
     * @param before number of lines that end before {@code start}
     * @param longest maximum length of a line in bytes; the content of longer lines is dropped
     * @throws IOException if the file cannot be read, or is shorter than listed
     */
    LineReader(FSDataInputStream in, long length, long start, long end, long before, int longest) throws IOException {
        this.in = in;
        this.length = length;
        this.end = end;
        this.longest = longest;
        this.ended = before;
        if (start > 0) {
            // A line begins at start if the previous byte ends a line.
            seek(start - 1);
            if (next() != '\n') {
                skipLine();
            }
        }
    }

    /** Counts the lines that end within a range of bytes. */
    static long count(FSDataInputStream in, long length, long start, long end) throws IOException {
        LineReader lines = new LineReader(in, length, 0, end, 0, 0);
        lines.seek(start);
        long count = 0;
        while (lines.position < end) {
            if (lines.next() == '\n') {
                count++;
            }
        }
        return count;
    }

    private void seek(long to) throws IOException {
        in.seek(to);
        position = to;
        at = 0;
        filled = 0;
    }

    /** The next byte, or {@link #END}. */
    private int next() throws IOException {
        if (at == filled && !fill()) {
            return END;
        }
        position++;
        return buffer[at++] & 0xff;
    }

    private boolean fill() throws IOException {
        int wanted = (int) Math.min(buffer.length, length - position);
        if (wanted <= 0) {
            return false;
        }
        int read = in.read(buffer, 0, wanted);
        if (read < 0) {
            throw new EOFException("the file is shorter than the " + length + " bytes it was listed with");
        }
        at = 0;
        filled = read;
        return true;
    }

    private void skipLine() throws IOException {
        int next = next();
        while (next != END && next != '\n') {
            next = next();
        }
        ended += next == '\n' ? 1 : 0;
    }

    /** The next line without its line end; empty if it is too long; null after the last line. */
    byte @Nullable [] read() throws IOException {
        if (position >= end || position >= length) {
            return null;
        }
        number = ended + 1;
        size = 0;
        tooLong = false;
        int next = next();
        while (next != END && next != '\n') {
            add((byte) next);
            next = next();
        }
        ended += next == '\n' ? 1 : 0;
        if (size > 0 && line[size - 1] == '\r') {
            size--;
        }
        return Arrays.copyOf(line, tooLong ? 0 : size);
    }

    private void add(byte next) {
        if (size == longest) {
            tooLong = true;
        } else if (!tooLong) {
            if (size == line.length) {
                line = Arrays.copyOf(line, Math.min(longest, line.length * 2));
            }
            line[size++] = next;
        }
    }

    /** Whether the last line read was too long. */
    boolean isTooLong() {
        return tooLong;
    }

    /** The number of the last line read, counted from 1. */
    long number() {
        return number;
    }
}
