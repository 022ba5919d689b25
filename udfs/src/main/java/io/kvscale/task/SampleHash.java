package io.kvscale.task;

import io.kvscale.tensor.KvSource;

/** Hashes a few values of head 0 of each token of a row, to find samples that repeat. Not thread-safe. */
final class SampleHash {
    /** Four values of head 0 tell one token from another. */
    private static final int CHANNELS = 4;

    /** Fewer tokens are the same by chance. */
    private static final int MIN_TOKENS = 8;

    private final Copies copies = new Copies();
    private long hashed;
    private long sum;

    /** Adds the hashes of the row's tokens whose values lie in the piece. */
    void observe(TensorPiece piece, int row) {
        KvSource tensor = piece.source;
        int firstToken = tensor.firstReal(row);
        long base = tensor.elementOf(row, 0);
        long stride = tensor.elementOf(row, 1) - base;
        int from = (int) Math.max(0, Math.min(tensor.tokens(), (piece.begin - base) / stride));
        for (int token = from; token < tensor.tokens() && base + token * stride < piece.end; token++) {
            for (int d = 0; d < channels(tensor) && tensor.isReal(row, token); d++) {
                long element = base + token * stride + d;
                if (piece.holds(element)) {
                    long index = (long) (token - firstToken) * CHANNELS + d;
                    sum += mix(index << Integer.SIZE | piece.bits(element) & 0xffff_ffffL);
                    hashed++;
                }
            }
        }
    }

    private static int channels(KvSource tensor) {
        return Math.min(CHANNELS, tensor.geometry().headDim());
    }

    /** Ends a row. */
    void finish(KvSource tensor, int row) {
        if (hashed > 0 && tensor.realTokens(row) >= MIN_TOKENS) {
            long all = (long) tensor.realTokens(row) * channels(tensor);
            copies.add(tensor.origin(row), tensor.offset(), hashed, all, sum);
        }
        hashed = 0;
        sum = 0;
    }

    /** The samples of all rows that ended. */
    Copies copies() {
        return copies;
    }

    /** The hash of a sample's name. */
    static long ofName(String name) {
        long hash = 0;
        for (int i = 0; i < name.length(); i++) {
            hash = mix(hash + name.charAt(i));
        }
        return hash;
    }

    /** A bijective mixer of 64 bits: every bit of the input changes half of the result's. */
    static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
        z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
        return z ^ z >>> 32;
    }
}
