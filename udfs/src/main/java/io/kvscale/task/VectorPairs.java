package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** How alike neighboring heads and neighboring tokens are at the beginning of a tensor: means of cosines. */
final class VectorPairs {
    /** Fewer channels are alike by chance. */
    private static final int MIN_CHANNELS = 16;

    /** Fewer pairs are alike by chance. */
    private static final int MIN_PAIRS = 8;

    private final KvSource source;
    private final int width;
    private final float[] values;
    private int filled;

    /** @param limit maximum number of values */
    VectorPairs(KvSource source, int limit) {
        this.source = source;
        this.width = source.geometry().headDim();
        this.values = new float[(int) Math.min(limit, source.sizeOfRow())];
    }

    /** Number of values of the first row that are wanted. */
    int size() {
        return values.length;
    }

    /** Adds the next values. */
    void add(long element, ByteBuffer chunk) {
        ByteBuffer next = chunk.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int bytes = source.geometry().dtype().bytes();
        for (int at = next.position(); at < next.limit(); at += bytes) {
            values[filled++] =
                    source.geometry().dtype().toFloat(source.geometry().dtype().get(next, at));
        }
    }

    /** The mean cosine of a head and the next one, over tokens; NaN if there are too few. */
    double heads() {
        return mean(true);
    }

    /** The mean cosine of a token and the next one, over heads; NaN if there are too few. */
    double tokens() {
        return mean(false);
    }

    /** How many times every vector repeats its first values; 1 if they do not repeat, or tell nothing. */
    int repeats() {
        int most = 1;
        for (int times = 2; width / times >= MIN_CHANNELS; times++) {
            if (width % times == 0 && repeats(width / times) && !repeats(1)) {
                most = times;
            }
        }
        return most;
    }

    private boolean repeats(int period) {
        for (int at = 0; at + width <= filled; at += width) {
            if (!Arrays.equals(values, at, at + width - period, values, at + period, at + width)) {
                return false;
            }
        }
        return filled >= width;
    }

    private double mean(boolean ofHeads) {
        // Vectors of a row are ordered by token and head, or by head and token.
        boolean inner = ofHeads == source.tokenMajor();
        int innerSize = source.tokenMajor() ? source.geometry().heads() : source.tokens();
        int step = inner ? 1 : innerSize;
        double sum = 0;
        int pairs = 0;
        for (int i = 0; width >= MIN_CHANNELS && (long) (i + step + 1) * width <= filled; i++) {
            if (inner && i % innerSize == innerSize - 1) {
                continue;
            }
            double cosine = cosine(i * width, (i + step) * width);
            if (Double.isFinite(cosine)) {
                sum += cosine;
                pairs++;
            }
        }
        return pairs < MIN_PAIRS ? Double.NaN : sum / pairs;
    }

    /** NaN for vectors of zeros, and for equal ones: padding, and heads that were repeated, tell nothing. */
    private double cosine(int a, int b) {
        if (Arrays.equals(values, a, a + width, values, b, b + width)) {
            return Double.NaN;
        }
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int d = 0; d < width; d++) {
            dot += (double) values[a + d] * values[b + d];
            aa += (double) values[a + d] * values[a + d];
            bb += (double) values[b + d] * values[b + d];
        }
        return dot / Math.sqrt(aa * bb);
    }
}
