package io.kvscale.observer;

import java.io.ByteArrayOutputStream;

/**
 * How often every pattern of 16 bits occurs, as the statistics file has it: immutable, and small, because values crowd
 * around zero and few of the 65,536 patterns occur.
 *
 * <p>Patterns go by their rank: the order key plus 32,768, so from 0 to 65,535 as the numbers ascend. The bytes are, for
 * each rank that occurs, ascending: how many ranks were left out since the one before, then the count less one, both as
 * varints of seven bits a byte, the least first, in as few bytes as can be. So there is one form for every set of counts,
 * and none for a count of 0 or for ranks that do not ascend.
 */
final class PackedCounts {
    static final int RANKS = 1 << 16;
    static final PackedCounts EMPTY = new PackedCounts(new byte[0]);

    final byte[] bytes;

    private PackedCounts(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Where an order key of 16 bits comes among all of them. */
    static int rank(int key) {
        return key - Short.MIN_VALUE;
    }

    /** The pattern of a rank: negative numbers ascend as their patterns descend. */
    static int pattern(int rank) {
        return rank < RANKS / 2 ? RANKS - 1 - rank : rank - RANKS / 2;
    }

    /** Bytes that may be anything; they are looked at when they are gone through. */
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

    /** Goes through the ranks that occur. */
    static final class Cursor {
        private final byte[] bytes;
        private int at;
        int rank = -1;
        long count;

        private Cursor(byte[] bytes) {
            this.bytes = bytes;
        }

        /**
         * Moves on; at the end the rank is {@link #RANKS} and the result false.
         *
         * @throws IllegalArgumentException if the bytes are not what a {@link Builder} makes
         */
        boolean next() {
            if (at == bytes.length) {
                rank = RANKS;
                return false;
            }
            long gap = varint();
            if (gap >= RANKS - 1L - rank) {
                throw new IllegalArgumentException("a pattern beyond 16 bits is counted");
            }
            rank += (int) gap + 1;
            long less = varint();
            if (less == Long.MAX_VALUE) {
                throw new IllegalArgumentException("a count is beyond " + Long.MAX_VALUE);
            }
            count = less + 1;
            return true;
        }

        private long varint() {
            long number = 0;
            for (int shift = 0; shift < Long.SIZE - 1; shift += 7) {
                if (at == bytes.length) {
                    throw new IllegalArgumentException("counts are cut short");
                }
                byte part = bytes[at++];
                number |= (part & 0x7fL) << shift;
                if (part >= 0) {
                    if (part == 0 && shift > 0) {
                        throw new IllegalArgumentException("a number takes more bytes than it needs");
                    }
                    return number;
                }
            }
            throw new IllegalArgumentException("a number has more than 63 bits");
        }
    }

    /** Takes ascending ranks. */
    static final class Builder {
        private final ByteArrayOutputStream out;
        private int last = -1;

        Builder(int bytes) {
            this.out = new ByteArrayOutputStream(bytes);
        }

        /** @param count above 0 */
        void add(int rank, long count) {
            if (rank <= last || count < 1) {
                throw new IllegalArgumentException("rank " + rank + " after " + last + ", count " + count);
            }
            varint(rank - last - 1);
            varint(count - 1);
            last = rank;
        }

        private void varint(long number) {
            long left = number;
            while (left > 0x7f) {
                out.write((int) left | 0x80);
                left >>>= 7;
            }
            out.write((int) left);
        }

        PackedCounts packed() {
            return last < 0 ? EMPTY : new PackedCounts(out.toByteArray());
        }
    }
}
