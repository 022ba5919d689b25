package io.kvscale.observer.evidence;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/** K and V with channels of different sizes, K with or without RoPE. */
public final class ChannelData {
    /** How many channels turn, and which are pairs. */
    public record Rope(int channels, boolean neighbors) {
        public static final Rope NONE = new Rope(0, false);
    }

    /** Standard deviations of the logarithm of channel sizes, as in SmolLM2. */
    private static final double KEY_SPREAD = 0.35;

    private static final double VALUE_SPREAD = 0.15;

    private final int layers;
    private final int tokens;
    private final Geometry geometry;
    private final Random random = new Random(7);

    public ChannelData(int layers, int heads, int headDim, int tokens) {
        this.layers = layers;
        this.tokens = tokens;
        this.geometry = new Geometry(Dtype.F32, heads, headDim);
    }

    /** All layers, with these ranges. */
    public SortedMap<Slot, SlotStatistics> slots(Rope rope) {
        return slots(rope, KEY_SPREAD, VALUE_SPREAD);
    }

    /** Values of one distribution for all channels of K and V. */
    public SortedMap<Slot, SlotStatistics> alike() {
        return slots(Rope.NONE, 0, 0);
    }

    SortedMap<Slot, SlotStatistics> slots(Rope rope, double keySpread, double valueSpread) {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
        for (int layer = 0; layer < layers; layer++) {
            slots.put(new Slot(layer, Role.KEY), slot(rope, keySpread));
            slots.put(new Slot(layer, Role.VALUE), slot(Rope.NONE, valueSpread));
        }
        return slots;
    }

    public static void swap(SortedMap<Slot, SlotStatistics> slots, int layer) {
        Slot key = new Slot(layer, Role.KEY);
        slots.put(key, slots.put(new Slot(layer, Role.VALUE), slots.get(key)));
    }

    private SlotStatistics slot(Rope rope, double spread) {
        return statistics(geometry, values(rope, spread));
    }

    /** K of one layer, in the order of [tokens, heads, head_dim]. */
    public float[] keys(Rope rope) {
        return values(rope, KEY_SPREAD);
    }

    /** V of one layer, in the order of [tokens, heads, head_dim]. */
    public float[] values() {
        return values(Rope.NONE, VALUE_SPREAD);
    }

    private float[] values(Rope rope, double spread) {
        int channels = geometry.channels();
        int headDim = geometry.headDim();
        double[] sizes = random.doubles(channels, 0, 1)
                .map(x -> Math.exp(spread * random.nextGaussian()))
                .toArray();
        float[] values = new float[tokens * channels];
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < channels; c++) {
                values[t * channels + c] = (float) (sizes[c] * random.nextGaussian());
            }
            for (int head = 0; head < channels; head += headDim) {
                turn(values, t * channels + head, rope, t);
            }
        }
        return values;
    }

    private static void turn(float[] values, int head, Rope rope, int position) {
        for (int i = 0; i < rope.channels / 2; i++) {
            double angle = position * Math.pow(10_000, -2.0 * i / rope.channels);
            int a = head + (rope.neighbors ? 2 * i : i);
            int b = rope.neighbors ? a + 1 : a + rope.channels / 2;
            double x = values[a];
            double y = values[b];
            values[a] = (float) (x * Math.cos(angle) - y * Math.sin(angle));
            values[b] = (float) (x * Math.sin(angle) + y * Math.cos(angle));
        }
    }

    /** Statistics of values in the order of [tokens, heads, head_dim]. */
    public static SlotStatistics statistics(Geometry geometry, float... values) {
        SlotStatistics seen = new SlotStatistics(geometry, null, StatisticsKind.RANGE.tables());
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        int tokens = values.length / geometry.channels();
        seen.update(new Position(new KvSource("f", 0, "s", geometry, 1, tokens, true, null), 0), bytes);
        return seen;
    }
}
