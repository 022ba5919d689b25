package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Sample;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The ranges of the single batches of a slot (or of the last batch only), in the order of the corpus: by the UTF-8 bytes of the
 * file's path, then by offset.
 *
 * <p>A corpus of a million files has as many batches in each slot. So they lie in arrays, in 16 bytes each if there is one range of
 * 16-bit values. Batches are appended as they come, and sorted when they are needed in order.
 */
final class BatchRanges {
    final BatchPolicy policy;
    private final Dtype dtype;
    /** Number of ranges of a batch. */
    final int width;

    private int count;
    /** Whether batches lie in order, each once. */
    private boolean sorted = true;

    private String[] files = {};
    private long[] offsets = {};
    /** For each batch, the patterns of every minimum, then those of every maximum: as in the statistics file. */
    private byte[] patterns = {};

    /** @param width number of ranges of a batch */
    BatchRanges(BatchPolicy policy, Dtype dtype, int width) {
        this.policy = policy;
        this.dtype = dtype;
        this.width = width;
    }

    /**
     * Adds a piece of a batch; pieces of the same file and offset belong to one batch.
     *
     * @param reduced the ranges of the piece, already {@linkplain ChannelRanges#reduced reduced} to the policy's width
     */
    void update(String file, long offset, ChannelRanges reduced) {
        byte[] piece = new byte[batchBytes()];
        reduced.writePatterns(ByteBuffer.wrap(piece));
        add(file, offset, piece, 0);
    }

    /** @param from where the patterns of the batch begin in {@code added} */
    void add(String file, long offset, byte[] added, int from) {
        if (count == files.length) {
            sort();
            grow();
        }
        int last = count == 0 ? 1 : compare(file, offset, count - 1);
        if (last == 0) {
            merge(count - 1, added, from);
            return;
        }
        if (policy.lastOnly()) {
            if (last < 0) {
                return;
            }
            count = 0;
        }
        sorted &= last > 0;
        put(count++, file, offset, added, from);
    }

    private void grow() {
        // After sorting: pieces of one batch that do not come one after another take no more than twice its place.
        if (2 * count < files.length) {
            return;
        }
        int capacity = count + (count >> 1) + 1;
        files = Arrays.copyOf(files, capacity);
        offsets = Arrays.copyOf(offsets, capacity);
        patterns = Arrays.copyOf(patterns, Math.multiplyExact(capacity, batchBytes()));
    }

    private void put(int batch, String file, long offset, byte[] added, int from) {
        files[batch] = file;
        offsets[batch] = offset;
        System.arraycopy(added, from, patterns, batch * batchBytes(), batchBytes());
    }

    private int compare(String file, long offset, int batch) {
        int order = file.equals(files[batch]) ? 0 : Sample.compareUtf8(file, files[batch]);
        return order != 0 ? order : Long.compare(offset, offsets[batch]);
    }

    /** Widens the ranges of a batch. */
    private void merge(int batch, byte[] added, int from) {
        ChannelRanges present = ranges(batch);
        present.merge(ChannelRanges.ofPatterns(dtype, width, ByteBuffer.wrap(added, from, batchBytes())));
        present.writePatterns(ByteBuffer.wrap(patterns, batch * batchBytes(), batchBytes()));
    }

    /** Puts batches in order, and the pieces of each together. */
    private void sort() {
        if (sorted) {
            return;
        }
        sorted = true;
        BatchRanges ordered = new BatchRanges(policy, dtype, width);
        IntStream.range(0, count)
                .boxed()
                .sorted((a, b) -> compare(files[a], offsets[a], b))
                .forEach(batch -> ordered.add(files[batch], offsets[batch], patterns, batch * batchBytes()));
        count = ordered.count;
        files = ordered.files;
        offsets = ordered.offsets;
        patterns = ordered.patterns;
    }

    void merge(BatchRanges other) {
        if (!policy.equals(other.policy)) {
            throw new IllegalArgumentException("cannot merge batch ranges of " + other.policy + " into " + policy);
        }
        for (int batch = 0; batch < other.count; batch++) {
            add(other.files[batch], other.offsets[batch], other.patterns, batch * batchBytes());
        }
    }

    /** Number of batches. */
    int size() {
        sort();
        return count;
    }

    /** The file of a batch, in order. */
    String file(int batch) {
        sort();
        return files[batch];
    }

    /** The offset of a batch in its file. */
    long offset(int batch) {
        sort();
        return offsets[batch];
    }

    /** Adds a batch of a file that was read; it must follow all others. */
    void addNext(String file, long offset, ChannelRanges ranges) {
        if (count > 0 && compare(file, offset, count - 1) <= 0) {
            throw SectionCursor.damaged("batches are out of order");
        }
        update(file, offset, ranges);
    }

    /** Checks that as many batches were read as the policy lets be. */
    void checkSize(int read) {
        if (count != read) {
            throw SectionCursor.damaged(read + " batches, but the policy keeps only the last");
        }
    }

    /** The ranges of a batch. */
    ChannelRanges ranges(int batch) {
        return ChannelRanges.ofPatterns(dtype, width, ByteBuffer.wrap(patterns, batch * batchBytes(), batchBytes()));
    }

    /** Writes the patterns of a batch. */
    void writePatterns(int batch, ByteArrayOutputStream out) {
        out.write(patterns, batch * batchBytes(), batchBytes());
    }

    /** The ranges of all batches, in order. */
    Stream<ChannelRanges> all() {
        return IntStream.range(0, size()).mapToObj(this::ranges);
    }

    private int batchBytes() {
        return 2 * width * dtype.bytes();
    }

    /** Whether every batch lies within the ranges of the whole slot. */
    boolean isWithin(ChannelRanges slot) {
        ChannelRanges whole = slot.reduced(policy.channelsPerScale());
        for (int batch = 0; batch < count; batch++) {
            for (int i = 0; i < width; i++) {
                int min = key(batch, i);
                int max = key(batch, width + i);
                if (min <= max && (min < whole.min[i] || max > whole.max[i])) {
                    return false;
                }
            }
        }
        return true;
    }

    private int key(int batch, int place) {
        int at = batch * batchBytes() + place * dtype.bytes();
        int low = patterns[at] & 0xff | (patterns[at + 1] & 0xff) << 8;
        return dtype.orderKey(
                dtype.bytes() == 2 ? low : low | (patterns[at + 2] & 0xff) << 16 | patterns[at + 3] << 24);
    }
}
