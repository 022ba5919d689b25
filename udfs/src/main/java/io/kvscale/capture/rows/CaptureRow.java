package io.kvscale.capture.rows;

import io.kvscale.capture.CaptureFiles;
import io.kvscale.capture.SlotTensor;
import io.kvscale.capture.TensorValues;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import io.kvscale.tensor.TokenMask;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A table row: K or V of one sample and layer, or of a range of the sample's tokens. {@link CaptureRows} reads the values. */
public final class CaptureRow {
    private final SlotTensor tensor;
    private final KvSource source;
    private final int row;
    private final int firstToken;
    private final int position;

    private CaptureRow(SlotTensor tensor, KvSource source, int row, int firstToken, int position) {
        this.tensor = tensor;
        this.source = source;
        this.row = row;
        this.firstToken = firstToken;
        this.position = position;
    }

    /** The rows of a tensor: one per batch row, cut along tokens into rows of at most {@code maxBytes}. */
    static List<CaptureRow> of(SlotTensor tensor, long maxBytes) {
        KvSource whole = tensor.source();
        long tokenBytes = (long) whole.geometry().channels() * tensor.valueBytes();
        int most = (int) Math.max(1, Math.min(Integer.MAX_VALUE, maxBytes / tokenBytes));
        List<CaptureRow> rows = new ArrayList<>();
        for (int row = 0; row < whole.batch(); row++) {
            int position = 0;
            for (long first = 0; first < whole.tokens(); first += most) {
                int count = (int) Math.min(most, whole.tokens() - first);
                CaptureRow next = of(tensor, row, (int) first, count, position);
                // A range that is all padding gets no row, except the first: every sample has a row.
                if (first == 0 || next.tokens() > 0) {
                    rows.add(next);
                }
                position += next.tokens();
            }
        }
        return rows;
    }

    private static CaptureRow of(SlotTensor tensor, int row, int first, int count, int position) {
        KvSource whole = tensor.source();
        String sample = whole.sample();
        TokenMask mask = whole.mask();
        KvSource source = new KvSource(
                whole.file(),
                whole.offset(),
                sample == null ? null : String.valueOf(whole.origin(row).sample()),
                whole.geometry(),
                1,
                count,
                whole.tokenMajor(),
                mask == null ? null : mask.part(row, first, first + count));
        return new CaptureRow(tensor, source, row, first, position);
    }

    public Slot slot() {
        return tensor.slot();
    }

    /** The sample's name, {@code name#row} in a batch; null if the file names none. */
    public @Nullable String sample() {
        return source.sample();
    }

    /** The tensor of this row: a batch of one. */
    public KvSource source() {
        return source;
    }

    /** Number of tokens, without padding. */
    public int tokens() {
        return Math.toIntExact(source.realTokens());
    }

    /** Index of the first token in its sample, without padding; above 0 only if the sample was cut. */
    public int position() {
        return position;
    }

    /** File position of the first value. */
    long begin() {
        return tensor.byteOf(first(0));
    }

    /** File position after the last value. */
    long end() {
        return tensor.byteOf(first(segments() - 1) + segmentSize());
    }

    /** Reads every value, padding included, in chunks. */
    void read(CaptureFiles files, long readEnd, TensorValues.Chunks chunks) {
        for (int i = 0; i < segments(); i++) {
            long from = first(i);
            long shift = i * segmentSize() - from;
            long to = from + segmentSize();
            long ahead = i + 1 < segments() ? tensor.byteOf(to) : readEnd;
            files.read(tensor, from, to, ahead, (element, values) -> chunks.chunk(element + shift, values));
        }
    }

    /** Reads the values as {@code [heads, tokens, head_dim]}, row-major, little endian, without padding. */
    byte[] values(CaptureFiles files, long readEnd) {
        Geometry geometry = source.geometry();
        int bytes = tensor.valueBytes();
        byte[] values = new byte[Math.multiplyExact(tokens(), geometry.channels() * bytes)];
        if (!source.tokenMajor() && source.mask() == null) {
            read(files, readEnd, (element, chunk) -> chunk.get(values, (int) element * bytes, chunk.remaining()));
        } else {
            HeadMajor to = new HeadMajor(source, values);
            read(files, readEnd, to::put);
        }
        return values;
    }

    /** The number of contiguous byte ranges of this row: one per head if a {@code [heads, tokens]} sample was cut. */
    private int segments() {
        boolean apart =
                !source.tokenMajor() && source.tokens() < tensor.source().tokens();
        return apart ? source.geometry().heads() : 1;
    }

    private long segmentSize() {
        return source.size() / segments();
    }

    private long first(int segment) {
        KvSource whole = tensor.source();
        if (whole.tokenMajor()) {
            return row * whole.sizeOfRow()
                    + (long) firstToken * whole.geometry().channels();
        }
        int headDim = whole.geometry().headDim();
        return row * whole.sizeOfRow() + ((long) segment * whole.tokens() + firstToken) * headDim;
    }

    /** Copies values of a tensor to an array {@code [heads, tokens without padding, head_dim]}. */
    private record HeadMajor(KvSource source, byte[] values, int[] rank, int tokens) {
        HeadMajor(KvSource source, byte[] values) {
            this(source, values, ranks(source), (int) source.realTokens());
        }

        /** For each token, the number of tokens before it that are not padding. */
        private static int[] ranks(KvSource source) {
            int[] ranks = new int[source.tokens()];
            TokenMask mask = source.mask();
            for (int t = 1; t < ranks.length; t++) {
                ranks[t] = ranks[t - 1] + (mask == null || mask.real().get(t - 1) ? 1 : 0);
            }
            return ranks;
        }

        void put(long element, ByteBuffer chunk) {
            Geometry geometry = source.geometry();
            int bytes = geometry.dtype().bytes();
            int start = chunk.position();
            int line = source.tokenMajor() ? geometry.channels() : geometry.headDim();
            source.forEachRun(element, element + chunk.remaining() / bytes, (at, width, rows, channel) -> {
                int token = (int) (at / line % source.tokens());
                int from = start + (int) (at - element) * bytes;
                for (int r = 0; r < rows; r++) {
                    putLine(chunk, from + r * width * bytes, width * bytes, rank[token + r], channel, bytes);
                }
            });
        }

        private void putLine(ByteBuffer chunk, int from, int length, int token, int channel, int bytes) {
            int headDim = source.geometry().headDim();
            int done = 0;
            while (done < length) {
                int c = channel + done / bytes;
                int count = Math.min(length - done, (headDim - c % headDim) * bytes);
                int to = ((c / headDim * tokens + token) * headDim + c % headDim) * bytes;
                chunk.get(from + done, values, to, count);
                done += count;
            }
        }
    }
}
