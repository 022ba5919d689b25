package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Finds the {@link TokenEnds} of each row of a tensor, from all of its values in their order. */
final class EndScan {
    private final KvSource source;
    private final @Nullable TokenEnds[] ends;
    private final byte[] previous;
    private final byte[] line;
    /** Lines are tokens of one head; of all heads if the tensor is token-major. */
    private final long linesOfRow;

    private int filled;
    private long lines;
    private int tokens;
    private int zeroFirst;
    private int zeroRun;
    private int equalFirst;
    private int equalRun;

    EndScan(KvSource source) {
        this.source = source;
        this.ends = new TokenEnds[source.batch()];
        int width = source.tokenMajor()
                ? source.geometry().channels()
                : source.geometry().headDim();
        this.line = new byte[width * source.geometry().dtype().bytes()];
        this.previous = new byte[line.length];
        this.linesOfRow = source.sizeOfRow() / width;
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
        int row = (int) (lines / linesOfRow);
        int token = (int) (lines % source.tokens());
        if (source.isReal(row, token)) {
            token();
        }
        lines++;
        if (lines % source.tokens() == 0) {
            TokenEnds found = new TokenEnds(zeroFirst, zeroRun, equalFirst, equalRun);
            TokenEnds known = ends[row];
            ends[row] = known == null ? found : known.both(found);
            tokens = 0;
            zeroFirst = 0;
            zeroRun = 0;
            equalFirst = 0;
            equalRun = 0;
        }
    }

    private void token() {
        zeroRun = isZero() ? zeroRun + 1 : 0;
        zeroFirst += zeroRun == tokens + 1 ? 1 : 0;
        equalRun = tokens > 0 && Arrays.equals(line, previous) ? equalRun + 1 : 1;
        equalFirst += equalRun == tokens + 1 ? 1 : 0;
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
