package io.kvscale.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A K or V tensor in a file: where it lies and how its values are ordered. A task may read any piece of it.
 *
 * <p>Values are row-major: {@code [batch, heads, tokens, head_dim]}, or {@code [batch, tokens, heads, head_dim]} if
 * {@code tokenMajor}.
 *
 * @param file path below the input; {@code file} and {@code offset} identify the tensor
 * @param offset where the tensor begins in its file, in bytes
 * @param sample name of the sample, or of the batch if {@code batch} is above 1; null if there is none
 * @param mask which tokens are real; null if all are
 * @param continued whether the samples began in an earlier tensor: then only their tokens are counted here
 */
public record KvSource(
        String file,
        long offset,
        @Nullable String sample,
        Geometry geometry,
        int batch,
        int tokens,
        boolean tokenMajor,
        @Nullable TokenMask mask,
        boolean continued) {

    /** A tensor whose samples begin in it, as in every capture file. */
    public KvSource(
            String file,
            long offset,
            @Nullable String sample,
            Geometry geometry,
            int batch,
            int tokens,
            boolean tokenMajor,
            @Nullable TokenMask mask) {
        this(file, offset, sample, geometry, batch, tokens, tokenMajor, mask, false);
    }

    /** A copy with another offset. */
    public KvSource withOffset(long newOffset) {
        return new KvSource(file, newOffset, sample, geometry, batch, tokens, tokenMajor, mask, continued);
    }

    /** Receives runs of real values. A run is {@code rows} contiguous rows of {@code width} values each. */
    public interface Runs {
        /**
         * @param element index of the first value in the tensor
         * @param channel channel of the first value of each row: head * head_dim + d
         */
        void run(long element, int width, int rows, int channel);
    }

    /** Number of values, padding included. */
    public long size() {
        return (long) batch * sizeOfRow();
    }

    /** Number of values of one sample, padding included. */
    public long sizeOfRow() {
        return (long) tokens * geometry.channels();
    }

    /** Number of samples that begin in this tensor. */
    public int samples() {
        return continued ? 0 : batch;
    }

    /** Number of real tokens of all rows. */
    public long realTokens() {
        return mask == null ? (long) batch * tokens : mask.count();
    }

    /** Number of real tokens of one row. */
    public int realTokens(int row) {
        return mask == null ? tokens : mask.count(row);
    }

    /** Whether a token of a row is real, and not padding. */
    public boolean isReal(int row, int token) {
        return mask == null || mask.nextReal(row, token, token + 1) == token;
    }

    /** The first real token of a row; -1 if there is none. */
    public int firstReal(int row) {
        if (mask == null) {
            return 0;
        }
        int first = mask.nextReal(row, 0, tokens);
        return first == tokens ? -1 : first;
    }

    /** The last real token of a row; -1 if there is none. */
    public int lastReal(int row) {
        return mask == null ? tokens - 1 : mask.lastReal(row);
    }

    /** The index of a token's first value, that of head 0 and channel 0. */
    public long elementOf(int row, int token) {
        return row * sizeOfRow() + (long) token * (tokenMajor ? geometry.channels() : geometry.headDim());
    }

    /** The origin of the values in a row of the batch. */
    public Origin origin(int row) {
        if (sample == null) {
            return new Origin(null, file);
        }
        return new Origin(batch == 1 ? Sample.named(sample) : new Sample(sample, row), file);
    }

    /** Cuts the values {@code [from, to)} into runs without padding. All must lie in one row of the batch. */
    public void forEachRun(long from, long to, Runs runs) {
        int row = (int) (from / sizeOfRow());
        int width = tokenMajor ? geometry.channels() : geometry.headDim();
        long element = from;
        while (element < to) {
            long line = element / width;
            int token = (int) (line % tokens);
            int inLine = (int) (element % width);
            int channel = (tokenMajor ? 0 : (int) (line / tokens % geometry.heads()) * width) + inLine;
            if (inLine != 0 || to - element < width) {
                int part = (int) Math.min(width - inLine, to - element);
                if (mask == null || mask.nextReal(row, token, token + 1) == token) {
                    runs.run(element, part, 1, channel);
                }
                element += part;
            } else {
                int lines = (int) Math.min((to - element) / width, tokens - token);
                realLines(row, element, token, token + lines, width, channel, runs);
                element += (long) lines * width;
            }
        }
    }

    private void realLines(int row, long element, int from, int to, int width, int channel, Runs runs) {
        if (mask == null) {
            runs.run(element, width, to - from, channel);
            return;
        }
        int token = mask.nextReal(row, from, to);
        while (token < to) {
            int end = mask.endOfRun(row, token, to);
            runs.run(element + (long) (token - from) * width, width, end - token, channel);
            token = mask.nextReal(row, end, to);
        }
    }
}
