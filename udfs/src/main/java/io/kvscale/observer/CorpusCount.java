package io.kvscale.observer;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;

/** Adds up a {@link Corpus} in place, at a fraction of the cost of a number of 256 bits per tensor. Not thread-safe. */
public final class CorpusCount {
    private static final int WORDS = Corpus.FINGERPRINT_BYTES / Integer.BYTES;
    private static final long WORD = 0xffff_ffffL;

    private final MessageDigest digest = DigestUtils.getSha256Digest();
    /** The fingerprint in words of 32 bits, the highest first; below 2^32 each. */
    private final long[] sum = new long[WORDS];

    private long files;

    /** Counts a file. */
    public void file() {
        files++;
    }

    /** Adds a tensor to the fingerprint, with the shape that its file states. */
    public void tensor(String sample, String tensor, String dtype, List<Long> shape) {
        add(sample);
        add(tensor);
        add(dtype);
        add(shape.toString());
        ByteBuffer words = ByteBuffer.wrap(digest.digest());
        long carry = 0;
        for (int i = WORDS - 1; i >= 0; i--) {
            long word = sum[i] + (words.getInt(i * Integer.BYTES) & WORD) + carry;
            sum[i] = word & WORD;
            carry = word >>> Integer.SIZE;
        }
    }

    private void add(String part) {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        digest.update(Integer.toString(bytes.length).getBytes(StandardCharsets.US_ASCII));
        digest.update((byte) ':');
        digest.update(bytes);
    }

    /** What was added so far. */
    public Corpus total() {
        ByteBuffer bytes = ByteBuffer.allocate(Corpus.FINGERPRINT_BYTES);
        for (long word : sum) {
            bytes.putInt((int) word);
        }
        return new Corpus(new BigInteger(1, bytes.array()), files);
    }
}
