package io.kvscale.safetensors;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Names that have been seen, as 128 bits each, so that millions of them fit in memory.
 *
 * <p>Open addressing over the first half of a salted SHA-256. The salt is this process's own: nobody can write a file
 * whose names all fall on one place of the table.
 */
final class NameSet {
    private static final byte[] SALT = new byte[16];

    static {
        new SecureRandom().nextBytes(SALT);
    }

    private final MessageDigest sha256 = DigestUtils.getSha256Digest();
    /** Two longs a place; a free place is all zero. */
    private long[] table = new long[2 * 64];

    private int size;

    /** Adds a name; false if it was there. */
    boolean add(String name) {
        sha256.update(SALT);
        ByteBuffer digest = ByteBuffer.wrap(sha256.digest(name.getBytes(StandardCharsets.UTF_8)));
        if (!insert(digest.getLong(), digest.getLong() | 1)) {
            return false;
        }
        size++;
        if (size > table.length / 2 * 3L / 4) {
            grow();
        }
        return true;
    }

    /** {@code low} is odd, which tells it from a free place. */
    private boolean insert(long high, long low) {
        int mask = table.length - 1;
        int at = (int) high << 1 & mask;
        while (table[at + 1] != 0) {
            if (table[at] == high && table[at + 1] == low) {
                return false;
            }
            at = at + 2 & mask;
        }
        table[at] = high;
        table[at + 1] = low;
        return true;
    }

    private void grow() {
        long[] old = table;
        table = new long[2 * old.length];
        for (int i = 0; i < old.length; i += 2) {
            if (old[i + 1] != 0) {
                insert(old[i], old[i + 1]);
            }
        }
    }
}
