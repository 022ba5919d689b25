package io.kvscale.observer.histogram;

import java.util.Arrays;

/**
 * The histogram of one head as the statistics file stores it: immutable and compact, because only few of the 65,536
 * patterns occur.
 *
 * <p>A pattern is identified by its rank: its order key plus 32,768, so ranks ascend from 0 to 65,535 as the numbers do.
 * For each rank that occurs, in ascending order, the bytes hold the number of ranks skipped since the previous one and
 * the count minus one. Both are varints: seven bits a byte, least significant first, in as few bytes as possible. So
 * every histogram has exactly one encoding; zero counts and ranks that do not ascend have none.
 */
final class PackedCounts {
    static final int RANKS = 1 << 16;
    static final PackedCounts EMPTY = new PackedCounts(new byte[0]);

    final byte[] bytes;

    private PackedCounts(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The rank of a 16-bit order key. */
    static int rank(int key) {
        return key - Short.MIN_VALUE;
    }

    /** The pattern of a rank. Patterns of negative numbers descend as the numbers ascend. */
    static int pattern(int rank) {
        return rank < RANKS / 2 ? RANKS - 1 - rank : rank - RANKS / 2;
    }

    /** Wraps unchecked bytes; a {@link Cursor} checks them as it reads. */
    static PackedCounts of(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new PackedCounts(bytes);
    }

    boolean isEmpty() {
        return bytes.length == 0;
    }

    Cursor cursor() {
        return new Cursor(bytes);
    }

    /** @throws ArithmeticException if a count overflows */
    PackedCounts plus(PackedCounts other) {
        if (isEmpty() || other.isEmpty()) {
            return isEmpty() ? other : this;
        }
        Builder sum = new Builder(Math.max(bytes.length, other.bytes.length));
        Cursor a = cursor();
        Cursor b = other.cursor();
        a.next();
        b.next();
        while (a.rank < RANKS || b.rank < RANKS) {
            int rank = Math.min(a.rank, b.rank);
            long count = 0;
            if (a.rank == rank) {
                count = a.count;
                a.next();
            }
            if (b.rank == rank) {
                count = Math.addExact(count, b.count);
                b.next();
            }
            sum.add(rank, count);
        }
        return sum.packed();
    }

    /** Iterates over the ranks that occur. */
    static final class Cursor {
        private final byte[] bytes;
        private int at;
        int rank = -1;
        long count;

        private Cursor(byte[] bytes) {
            this.bytes = bytes;
        }

        /**
         * Moves to the next rank; false, and {@link #RANKS} as the rank, at the end.
         *
         * @throws IllegalArgumentException if a {@link Builder} cannot have made the bytes
         */
        boolean next() {
            if (at == bytes.length) {
                rank = RANKS;
                return false;
            }
            long gap = varint();
            if (gap >= RANKS - 1L - rank) {
                throw new IllegalArgumentException("a histogram counts a pattern of more than 16 bits");
            }
            rank += (int) gap + 1;
            long less = varint();
            if (less == Long.MAX_VALUE) {
                throw new IllegalArgumentException("a count of a histogram exceeds " + Long.MAX_VALUE);
            }
            count = less + 1;
            return true;
        }

        private long varint() {
            long number = 0;
            for (int shift = 0; shift < Long.SIZE - 1; shift += 7) {
                if (at == bytes.length) {
                    throw new IllegalArgumentException("a histogram is cut short");
                }
                byte part = bytes[at++];
                number |= (part & 0x7fL) << shift;
                if (part >= 0) {
                    if (part == 0 && shift > 0) {
                        throw new IllegalArgumentException("a varint takes more bytes than it needs");
                    }
                    return number;
                }
            }
            throw new IllegalArgumentException("a varint has more than 63 bits");
        }
    }

    /** Encodes ranks in ascending order. */
    static final class Builder {
        /** Maximum number of bytes of one rank and its count. */
        private static final int MAX_ENTRY_BYTES = 3 + 9;

        private byte[] out;
        private int size;
        private int last = -1;

        Builder(int bytes) {
            this.out = new byte[bytes + MAX_ENTRY_BYTES];
        }

        /** @param count above 0 */
        void add(int rank, long count) {
            if (rank <= last || count < 1) {
                throw new IllegalArgumentException("rank " + rank + " after " + last + ", count " + count);
            }
            if (out.length - size < MAX_ENTRY_BYTES) {
                out = Arrays.copyOf(out, 2 * out.length);
            }
            varint(rank - last - 1);
            varint(count - 1);
            last = rank;
        }

        private void varint(long number) {
            long left = number;
            while (left > 0x7f) {
                out[size++] = (byte) (left | 0x80);
                left >>>= 7;
            }
            out[size++] = (byte) left;
        }

        PackedCounts packed() {
            return last < 0 ? EMPTY : new PackedCounts(Arrays.copyOf(out, size));
        }
    }
}
