package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the {@link TokenEnds} of each row of a tensor. Reads up to {@value TokenEnds#READ} tokens at each end: longer runs of equal
 * tokens are counted up to there.
 */
final class EndScan {
    private final KvSource source;
    private final @Nullable TokenEnds[] ends;
    private final byte[] previous;
    private final byte[] line;
    /** Number of values of a line: a token of one head; of all heads if the tensor is token-major. */
    private final int width;

    private long lines;
    private int filled;
    private int tokens;
    /** Whether the tokens that follow are those at the end. */
    private boolean gap;

    private int zeroFirst;
    private int zeroRun;
    private int equalFirst;
    private int equalRun;

    /** Reads a range of values of the tensor, in their order, and passes them to {@link #add}. */
    interface Reader {
        void read(long from, long to);
    }

    EndScan(KvSource source) {
        this.source = source;
        this.ends = new TokenEnds[source.batch()];
        this.width = source.tokenMajor()
                ? source.geometry().channels()
                : source.geometry().headDim();
        this.line = new byte[width * source.geometry().dtype().bytes()];
        this.previous = new byte[line.length];
    }

    /** Reads the ends of all rows. */
    void read(Reader reader) {
        int blocks = source.tokenMajor() ? 1 : source.geometry().heads();
        for (int row = 0; row < source.batch(); row++) {
            int first = source.firstReal(row);
            int last = source.lastReal(row);
            for (int block = 0; block < blocks && first >= 0; block++) {
                long base = row * source.sizeOfRow() + (long) block * source.tokens() * width;
                if (last - first < 2 * TokenEnds.READ) {
                    read(reader, base, first, last + 1);
                } else {
                    read(reader, base, first, first + TokenEnds.READ);
                    read(reader, base, last + 1 - TokenEnds.READ, last + 1);
                }
                endBlock(row);
            }
        }
    }

    private void read(Reader reader, long base, int fromToken, int toToken) {
        lines = base / width + fromToken;
        if (tokens > 0) {
            gap = true;
            zeroRun = 0;
            equalRun = 0;
        }
        reader.read(base + (long) fromToken * width, base + (long) toToken * width);
    }

    /** Adds the next values. */
    void add(ByteBuffer chunk) {
        ByteBuffer values = chunk.slice();
        while (values.hasRemaining()) {
            int count = Math.min(line.length - filled, values.remaining());
            values.get(line, filled, count);
            filled += count;
            if (filled == line.length) {
                filled = 0;
                line();
            }
        }
    }

    private void line() {
        int row = (int) (lines * width / source.sizeOfRow());
        if (source.isReal(row, (int) (lines % source.tokens()))) {
            token();
        }
        lines++;
    }

    private void endBlock(int row) {
        TokenEnds found = new TokenEnds(zeroFirst, zeroRun, equalFirst, equalRun);
        TokenEnds known = ends[row];
        ends[row] = known == null ? found : known.both(found);
        tokens = 0;
        gap = false;
        zeroFirst = 0;
        zeroRun = 0;
        equalFirst = 0;
        equalRun = 0;
    }

    private void token() {
        zeroRun = isZero() ? zeroRun + 1 : 0;
        equalRun = equalRun > 0 && Arrays.equals(line, previous) ? equalRun + 1 : 1;
        zeroFirst += !gap && zeroRun == tokens + 1 ? 1 : 0;
        equalFirst += !gap && equalRun == tokens + 1 ? 1 : 0;
        System.arraycopy(line, 0, previous, 0, line.length);
        tokens++;
    }

    /** Whether all values are 0 or -0. */
    private boolean isZero() {
        int size = source.geometry().dtype().bytes();
        for (int i = 0; i < line.length; i++) {
            boolean high = i % size == size - 1;
            if (line[i] != 0 && !(high && line[i] == Byte.MIN_VALUE)) {
                return false;
            }
        }
        return true;
    }

    /** The ends of a row, after all values were added. */
    TokenEnds ends(int row) {
        TokenEnds found = ends[row];
        return found == null ? TokenEnds.NONE : found;
    }
}
