package io.kvscale.job.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Counts 16-bit values that are in the CPU's cache, and does nothing else. No histogram can be faster on one thread. */
final class CountLimit {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int PATTERNS = 1 << 16;

    private CountLimit() {}

    /**
     * Counts the values of a block again and again.
     *
     * @param block values of 16 bits; whole longs
     * @param bytes number of bytes to count, rounded up to blocks
     * @return the counters, one for each pattern
     */
    static int[] count(byte[] block, long bytes) {
        int[] counts = new int[PATTERNS];
        for (long done = 0; done < bytes; done += block.length) {
            for (int i = 0; i <= block.length - Long.BYTES; i += Long.BYTES) {
                long four = (long) LONGS.get(block, i);
                counts[(int) four & (PATTERNS - 1)]++;
                counts[(int) (four >>> 16) & (PATTERNS - 1)]++;
                counts[(int) (four >>> 32) & (PATTERNS - 1)]++;
                counts[(int) (four >>> 48)]++;
            }
        }
        return counts;
    }
}
