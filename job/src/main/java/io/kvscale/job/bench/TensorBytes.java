package io.kvscale.job.bench;

import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Values like those of a model, from a seed: bell-shaped, with a few channels of every head far larger than the rest. */
final class TensorBytes {
    /** Channels of a head that are outliers, and by how much. */
    private static final int OUTLIERS = 3;

    private static final float OUTLIER = 12f;

    private TensorBytes() {}

    static byte[] of(CaptureShape shape, long seed) {
        Random random = new Random(seed);
        float[] spread = new float[shape.heads() * shape.headDim()];
        for (int c = 0; c < spread.length; c++) {
            spread[c] = 0.5f + random.nextFloat();
        }
        for (int i = 0; i < OUTLIERS * shape.heads(); i++) {
            spread[i / OUTLIERS * shape.headDim() + random.nextInt(shape.headDim())] *= OUTLIER;
        }
        ByteBuffer values = ByteBuffer.allocate(shape.tensorBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int head = 0; head < shape.heads(); head++) {
            for (int token = 0; token < shape.tokens(); token++) {
                for (int d = 0; d < shape.headDim(); d++) {
                    // The sum of the four bytes of an int is nearly a bell, and far cheaper than nextGaussian.
                    int bits = random.nextInt();
                    int sum = (byte) bits + (byte) (bits >> 8) + (byte) (bits >> 16) + (bits >> 24);
                    float x = sum / 148f * spread[head * shape.headDim() + d];
                    values.putShort((short) Dtype.BF16.fromFloat(x));
                }
            }
        }
        return values.array();
    }
}
