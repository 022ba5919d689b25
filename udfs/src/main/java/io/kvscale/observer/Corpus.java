package io.kvscale.observer;

import java.io.Serializable;
import java.math.BigInteger;
import java.util.List;
import java.util.Locale;

/**
 * Identifies the tensors that were read, by name and shape and not by content. A commutative monoid.
 *
 * @param fingerprint sum mod 2^256 of SHA-256(sample, tensor name, dtype, shape) over the tensors read
 * @param files number of files with at least one tensor of a slot
 */
public record Corpus(BigInteger fingerprint, long files) implements Serializable {
    static final int FINGERPRINT_BYTES = 32;
    static final BigInteger MODULUS = BigInteger.ONE.shiftLeft(8 * FINGERPRINT_BYTES);

    public static final Corpus EMPTY = new Corpus(BigInteger.ZERO, 0);

    public Corpus merge(Corpus other) {
        return new Corpus(fingerprint.add(other.fingerprint).mod(MODULUS), Math.addExact(files, other.files));
    }

    /** Counts a file. */
    public Corpus withFile() {
        return new Corpus(fingerprint, files + 1);
    }

    /** Adds a tensor to the fingerprint, with the shape that its file states. */
    public Corpus withTensor(String sample, String tensor, String dtype, List<Long> shape) {
        CorpusCount count = new CorpusCount();
        count.tensor(sample, tensor, dtype, shape);
        return merge(count.total());
    }

    /** The fingerprint as 64 hexadecimal digits. */
    public String fingerprintHex() {
        return String.format(Locale.ROOT, "%064x", fingerprint);
    }
}
