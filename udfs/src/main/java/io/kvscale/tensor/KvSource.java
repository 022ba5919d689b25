package io.kvscale.tensor;

import org.jspecify.annotations.Nullable;

/**
 * The whole K or V tensor of which a task may see any piece: where it lies and how its values are ordered.
 *
 * <p>Values are row-major, {@code [batch, heads, tokens, head_dim]}, or {@code [batch, tokens, heads, head_dim]} where
 * {@code tokenMajor}.
 *
 * @param file as a path below the input; with {@code offset} the key under which the pieces of a tensor meet again
 * @param offset where the tensor begins in its file, in bytes
 * @param sample the name of the sample, or of the batch if {@code batch} is above 1; null if there is none
 * @param mask which tokens are real; null if all are
 * @param continued whether a sample goes on here that began in a tensor before: its tokens count, it does not count again
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

    /** A tensor with which its samples begin, as all tensors of capture files are. */
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

    /** The same tensor where it begins elsewhere in its file. */
    public KvSource withOffset(long begin) {
        return new KvSource(file, begin, sample, geometry, batch, tokens, tokenMajor, mask, continued);
    }

    /** Receives runs of real values: {@code rows} neighbouring rows of {@code width} values each. */
    public interface Runs {
        /**
         * @param element index of the first value within the tensor
         * @param channel the (head x head_dim + d) of the first value of every row
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

    /** Samples that begin here. */
    public int samples() {
        return continued ? 0 : batch;
    }

    /** Real tokens of all samples. */
    public long realTokens() {
        return mask == null ? (long) batch * tokens : mask.count();
    }

    /** The sample in a row of the batch. */
    public Origin origin(int row) {
        if (sample == null) {
            return new Origin(null, file);
        }
        return new Origin(batch == 1 ? Sample.named(sample) : new Sample(sample, row), file);
    }

    /** Cuts the values {@code [from, to)}, all of one row of the batch, into runs that hold real tokens only. */
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
