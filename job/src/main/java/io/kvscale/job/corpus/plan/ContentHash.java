package io.kvscale.job.corpus.plan;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * SHA-256 of a seed and a text, as four big-endian words. Ordered by unsigned bytes. Samples are chosen by this hash, so
 * the choice depends on their content and not on their file.
 */
public record ContentHash(long a, long b, long c, long d) implements Comparable<ContentHash>, Serializable {
    /** Hashes the seed in decimal, a zero byte and the text in UTF-8. */
    public static ContentHash of(long seed, String text) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        digest.update(Long.toString(seed).getBytes(StandardCharsets.US_ASCII));
        digest.update((byte) 0);
        ByteBuffer words = ByteBuffer.wrap(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
        return new ContentHash(words.getLong(), words.getLong(), words.getLong(), words.getLong());
    }

    @Override
    public int compareTo(ContentHash other) {
        int order = Long.compareUnsigned(a, other.a);
        order = order != 0 ? order : Long.compareUnsigned(b, other.b);
        order = order != 0 ? order : Long.compareUnsigned(c, other.c);
        return order != 0 ? order : Long.compareUnsigned(d, other.d);
    }

    /** The first 16 hexadecimal digits. */
    public String digits() {
        return HexFormat.of().toHexDigits(a);
    }

    /** All 64 hexadecimal digits. */
    @Override
    public String toString() {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(a) + hex.toHexDigits(b) + hex.toHexDigits(c) + hex.toHexDigits(d);
    }
}
