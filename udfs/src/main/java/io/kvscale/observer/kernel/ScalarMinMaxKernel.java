package io.kvscale.observer.kernel;

import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * The min/max kernel in plain Java, for JVMs without the Vector API.
 *
 * <p>16-bit values are copied in pairs into ints and folded with integer arithmetic. JDK 17 vectorizes only loops over
 * {@code int[]} without {@link Math#min}; this is three times as fast as a plain loop over shorts.
 */
final class ScalarMinMaxKernel implements MinMaxKernel {
    @Override
    public void fold16(ByteBuffer data, int offset, int width, int rows, short[] min, short[] max, int at) {
        // Rows of odd width are taken two at a time, so that they fill whole ints.
        int group = 1 + (width & 1);
        if (rows < group) {
            foldValues(data, offset, width * rows, min, max, at);
            return;
        }
        int[] pairs = new int[group * width / 2];
        int[] evenMin = new int[pairs.length];
        int[] evenMax = new int[pairs.length];
        Arrays.fill(evenMin, Short.MAX_VALUE);
        Arrays.fill(evenMax, Short.MIN_VALUE);
        int[] oddMin = evenMin.clone();
        int[] oddMax = evenMax.clone();
        IntBuffer ints = ints(data, offset);
        for (int row = 0; row <= rows - group; row += group) {
            ints.get(pairs);
            foldPairs(pairs, evenMin, evenMax, oddMin, oddMax);
        }
        for (int i = 0; i < pairs.length; i++) {
            int even = at + 2 * i % width;
            min[even] = (short) Math.min(min[even], evenMin[i]);
            max[even] = (short) Math.max(max[even], evenMax[i]);
            int odd = at + (2 * i + 1) % width;
            min[odd] = (short) Math.min(min[odd], oddMin[i]);
            max[odd] = (short) Math.max(max[odd], oddMax[i]);
        }
        int done = rows / group * group;
        foldValues(data, offset + Short.BYTES * width * done, width * (rows - done), min, max, at);
    }

    /** Keys and their differences fit in 17 bits, so {@code d & (d >> 31)} is min(d, 0) without overflow. */
    private static void foldPairs(int[] pairs, int[] evenMin, int[] evenMax, int[] oddMin, int[] oddMax) {
        for (int i = 0; i < pairs.length; i++) {
            int even = (pairs[i] << 16) >> 16;
            even ^= (even >> 31) & 0x7fff;
            int odd = pairs[i] >> 16;
            odd ^= (odd >> 31) & 0x7fff;
            int d = evenMin[i] - even;
            evenMin[i] = even + (d & (d >> 31));
            d = evenMax[i] - even;
            evenMax[i] -= d & (d >> 31);
            d = oddMin[i] - odd;
            oddMin[i] = odd + (d & (d >> 31));
            d = oddMax[i] - odd;
            oddMax[i] -= d & (d >> 31);
        }
    }

    /** At most one row, value by value. */
    private static void foldValues(ByteBuffer data, int offset, int count, short[] min, short[] max, int at) {
        ByteBuffer little = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        for (int c = 0; c < count; c++) {
            int key = Dtype.BF16.orderKey(little.getShort(offset + Short.BYTES * c));
            min[at + c] = (short) Math.min(min[at + c], key);
            max[at + c] = (short) Math.max(max[at + c], key);
        }
    }

    @Override
    public void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at) {
        IntBuffer ints = ints(data, offset);
        int[] line = new int[width];
        for (int row = 0; row < rows; row++) {
            ints.get(line);
            for (int c = 0; c < width; c++) {
                int key = line[c] ^ ((line[c] >> 31) & 0x7fffffff);
                min[at + c] = Math.min(min[at + c], key);
                max[at + c] = Math.max(max[at + c], key);
            }
        }
    }

    private static IntBuffer ints(ByteBuffer data, int offset) {
        return data.duplicate().position(offset).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    }
}
