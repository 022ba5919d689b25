package io.kvscale.task;

import io.kvscale.model.Decoding;
import io.kvscale.model.NativeLimitException;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A decoder whose K and V are easy to compute: they depend on the token's id and on the past of the two tokens before it,
 * so that replaced tokens of the past have an effect. Padding is far outside the range of real values.
 */
public final class FakeDecoding implements Decoding {
    public static final int LARGE = 100;
    public static final int BROKEN = 97;
    public static final int INFINITE = 98;
    public static final int NOT_A_NUMBER = 99;
    public static final int VOCABULARY = 100;
    public static final float PADDING = 4096;

    public final ModelShape shape;
    public final List<Integer> rowsBegun = new ArrayList<>();
    public boolean closed;
    private final SortedMap<Slot, KvTensor> present = new TreeMap<>();
    private int rows;
    private int tokens;

    public FakeDecoding(ModelShape shape) {
        this.shape = shape;
    }

    public static ModelShape shape(int layers, int heads, int headDim, Dtype cache) {
        return new ModelShape(layers, heads, headDim, VOCABULARY, 1 << 20, cache);
    }

    @Override
    public void begin(int count) {
        rows = count;
        tokens = 0;
        rowsBegun.add(count);
        for (int layer = 0; layer < shape.layers(); layer++) {
            for (Role role : Role.CACHED) {
                present.put(new Slot(layer, role), tensor(0));
            }
        }
    }

    private KvTensor tensor(int length) {
        long bytes = (long) rows
                * length
                * shape.geometry().channels()
                * shape.cache().bytes();
        return new KvTensor(shape.geometry(), rows, length, ByteBuffer.allocateDirect(Math.toIntExact(bytes)));
    }

    @Override
    public void feed(int[][] ids) {
        if (ids.length != rows) {
            throw new IllegalStateException(ids.length + " rows of " + rows);
        }
        if (Arrays.stream(ids).flatMapToInt(Arrays::stream).anyMatch(id -> id == LARGE)) {
            present.clear();
            throw NativeLimitException.memory("no memory for id " + LARGE, "", new OutOfMemoryError());
        }
        if (Arrays.stream(ids).flatMapToInt(Arrays::stream).anyMatch(id -> id == BROKEN)) {
            present.clear();
            throw new InvalidDataException(DataProblem.of("this fake breaks at id " + BROKEN, "take another id"));
        }
        int before = tokens;
        tokens += Arrays.stream(ids).mapToInt(row -> row.length).max().orElseThrow();
        for (Slot slot : List.copyOf(present.keySet())) {
            KvTensor old = present(slot);
            KvTensor all = tensor(tokens);
            present.put(slot, all);
            for (int row = 0; row < rows; row++) {
                KvTokens.put(KvTokens.copy(old, row, 0, before), all.values(), tokens, row, 0);
                for (int t = before; t < tokens; t++) {
                    compute(slot, all, row, t, t - before < ids[row].length ? ids[row][t - before] : -1);
                }
            }
        }
    }

    private void compute(Slot slot, KvTensor all, int row, int t, int id) {
        int headDim = shape.headDim();
        for (int h = 0; h < shape.kvHeads(); h++) {
            int lane = (row * shape.kvHeads() + h) * tokens;
            Random random = new Random(
                    31L * (31L * (31L * id + slot.layer()) + slot.role().ordinal()) + h);
            for (int d = 0; d < headDim; d++) {
                float x = (float) random.nextGaussian();
                if (t > 0) {
                    x += 0.25f * all.value((lane + t - 1) * headDim + d);
                    x += 0.125f * all.value((lane + Math.max(0, t - 9)) * headDim + d);
                }
                boolean special = slot.role() == Role.VALUE && h == 0 && d == 1;
                x = id < 0 ? PADDING : special && id == INFINITE ? Float.NEGATIVE_INFINITY : x;
                x = special && id == NOT_A_NUMBER ? Float.NaN : x;
                put(all.values(), (lane + t) * headDim + d, shape.cache().fromFloat(x));
            }
        }
    }

    private void put(ByteBuffer values, int index, int bits) {
        ByteBuffer little = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (shape.cache().bytes() == 4) {
            little.putInt(4 * index, bits);
        } else {
            little.putShort(2 * index, (short) bits);
        }
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public KvTensor present(Slot slot) {
        KvTensor found = present.get(slot);
        if (found == null) {
            throw new IllegalStateException("the batch is of no use");
        }
        return found;
    }

    @Override
    public void put(Slot slot, int row, int at, KvTensor values) {
        KvTensor held = present(slot);
        if (row >= rows
                || at + values.tokens() > tokens
                || values.batch() != 1
                || !values.geometry().equals(held.geometry())) {
            throw new IllegalArgumentException("these cannot be put into " + slot);
        }
        KvTokens.put(values, held.values(), tokens, row, at);
    }

    @Override
    public void close() {
        closed = true;
    }
}
