package io.kvscale.job.bench;

import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

/** The tensors of a generated capture: K and V of every layer, {@code [1, heads, tokens, head_dim]} in bf16. */
record CaptureShape(int layers, int heads, int tokens, int headDim) {
    /** A prefill of 1024 tokens of a model with 8 billion parameters: 4 MiB per layer, 128 MiB per file. */
    static final CaptureShape LARGE = new CaptureShape(32, 8, 1024, 128);

    /** A short text and a small model: files of 1.5 MB. */
    static final CaptureShape SMALL = new CaptureShape(25, 3, 80, 64);

    /** A few tokens of a tiny model: files of 66 KB with 16 tensors. */
    static final CaptureShape TINY = new CaptureShape(8, 2, 16, 64);

    /** Number of outlier channels per head. */
    private static final int OUTLIERS = 3;

    /** Factor of an outlier channel. */
    private static final float OUTLIER = 12f;

    /** This shape with as many of its layers as fit into {@code bytes}, at least one. */
    CaptureShape within(long bytes) {
        return new CaptureShape(
                (int) Math.max(1, Math.min(layers, bytes / (2L * tensorBytes()))), heads, tokens, headDim);
    }

    int tensorBytes() {
        return heads * tokens * headDim * Short.BYTES;
    }

    long fileBytes() {
        return 2L * layers * tensorBytes();
    }

    List<Long> dimensions() {
        return List.of(1L, (long) heads, (long) tokens, (long) headDim);
    }

    /** A tensor of pseudorandom values: bell-shaped, with a few outlier channels per head as in real keys. */
    byte[] randomTensor(long seed) {
        Random random = new Random(seed);
        float[] spread = new float[heads * headDim];
        for (int c = 0; c < spread.length; c++) {
            spread[c] = 0.5f + random.nextFloat();
        }
        for (int i = 0; i < OUTLIERS * heads; i++) {
            spread[i / OUTLIERS * headDim + random.nextInt(headDim)] *= OUTLIER;
        }
        ByteBuffer values = ByteBuffer.allocate(tensorBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int head = 0; head < heads; head++) {
            for (int token = 0; token < tokens; token++) {
                for (int d = 0; d < headDim; d++) {
                    // The sum of the four bytes of an int is nearly normal, and much cheaper than nextGaussian.
                    int bits = random.nextInt();
                    int sum = (byte) bits + (byte) (bits >> 8) + (byte) (bits >> 16) + (bits >> 24);
                    float x = sum / 148f * spread[head * headDim + d];
                    values.putShort((short) Dtype.BF16.fromFloat(x));
                }
            }
        }
        return values.array();
    }
}
