package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import io.kvscale.tensor.TokenMask;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Random tensors of one slot, from a seed: several files and batches, padding, NaN, infinities, ties and zeros. */
final class SeededCorpus {
    private static final String[] NAMES = {"a", "b", "a/b", "\uffff", "\ud83d\ude00", "Z", "10", "9"};

    final Geometry geometry;
    final List<Tensor> tensors = new ArrayList<>();
    private final Random random;

    /** A whole tensor, little endian. */
    record Tensor(KvSource source, byte[] values) {
        int bits(int element) {
            ByteBuffer bytes = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
            return source.geometry().dtype().bytes() == 4
                    ? bytes.getInt(4 * element)
                    : bytes.getShort(2 * element) & 0xffff;
        }
    }

    /** A piece of a tensor, as a reader passes it on. */
    record Piece(Position position, ByteBuffer chunk) {
        void into(SlotStatistics statistics) {
            ByteBuffer before = chunk.duplicate();
            statistics.update(position, chunk);
            if (!chunk.equals(before) || chunk.position() != before.position()) {
                throw new AssertionError("the chunk was changed or moved");
            }
        }
    }

    SeededCorpus(long seed, Dtype dtype) {
        this.random = new Random(seed);
        int[] dims = {1, 2, 3, 5, 8, 16, 64};
        this.geometry = new Geometry(dtype, 1 + random.nextInt(4), dims[random.nextInt(dims.length)]);
        // Some corpora hold no NaN or infinity, some hold mostly those.
        int odds = new int[] {0, 1, 40}[random.nextInt(3)];
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            tensors.add(tensor(i, odds));
        }
    }

    private Tensor tensor(int index, int odds) {
        int batch = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 1;
        int tokens = 1 + random.nextInt(20);
        String name = NAMES[random.nextInt(NAMES.length)];
        KvSource source = new KvSource(
                name + ".safetensors",
                1_000L * index + random.nextInt(1_000),
                random.nextInt(5) == 0 ? null : name,
                geometry,
                batch,
                tokens,
                random.nextBoolean(),
                random.nextBoolean() ? null : mask(batch, tokens));
        byte[] values = new byte[(int) source.size() * geometry.dtype().bytes()];
        ByteBuffer bytes = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            int bits = random.nextInt(100) < odds ? special() : usual();
            if (geometry.dtype().bytes() == 4) {
                bytes.putInt(bits);
            } else {
                bytes.putShort((short) bits);
            }
        }
        return new Tensor(source, values);
    }

    private @Nullable TokenMask mask(int batch, int tokens) {
        BitSet real = new BitSet();
        for (int i = 0; i < batch * tokens; i++) {
            real.set(i, random.nextInt(3) > 0);
        }
        return new TokenMask(batch, tokens, real);
    }

    /** Few distinct numbers, so that extremes tie across samples. */
    private int usual() {
        return geometry.dtype().fromFloat(new float[] {-2, -1, -0f, 0f, 0.5f, 1, 2, 1.1f}[random.nextInt(8)]);
    }

    private int special() {
        Dtype dtype = geometry.dtype();
        int infinity = dtype.infinityKey();
        int sign = 1 << (8 * dtype.bytes() - 1);
        int mask = dtype.bytes() == 4 ? -1 : 0xffff;
        int[] patterns = {
            infinity,
            infinity | sign,
            infinity + 1,
            infinity + 1 | sign,
            sign - 1,
            mask,
            infinity - 1,
            infinity - 1 | sign,
            1,
            1 | sign
        };
        return patterns[random.nextInt(patterns.length)] & mask;
    }

    /** All values once, cut at random places, in heap or direct buffers, at any offset, in random order. */
    List<Piece> pieces() {
        return pieces(1);
    }

    /** As {@link #pieces}, but no head is cut. */
    List<Piece> heads() {
        return pieces(geometry.headDim());
    }

    private List<Piece> pieces(int unit) {
        List<Piece> pieces = new ArrayList<>();
        for (Tensor tensor : tensors) {
            int size = (int) tensor.source.size();
            int from = 0;
            while (from < size) {
                int cut = random.nextInt(6) == 0 ? size : from + 1 + random.nextInt(Math.min(size - from, 200));
                int to = (cut + unit - 1) / unit * unit;
                pieces.add(piece(tensor, from, to));
                from = to;
            }
        }
        java.util.Collections.shuffle(pieces, random);
        return pieces;
    }

    Piece whole(Tensor tensor) {
        return piece(tensor, 0, (int) tensor.source.size());
    }

    private Piece piece(Tensor tensor, int from, int to) {
        int bytes = geometry.dtype().bytes();
        int length = (to - from) * bytes;
        int offset = random.nextInt(9);
        int capacity = offset + length + random.nextInt(5);
        ByteBuffer chunk = random.nextBoolean() ? ByteBuffer.allocate(capacity) : ByteBuffer.allocateDirect(capacity);
        chunk.position(offset).put(tensor.values, from * bytes, length).position(offset);
        chunk.limit(offset + length);
        return new Piece(
                new Position(tensor.source, from), random.nextBoolean() ? chunk : chunk.order(ByteOrder.LITTLE_ENDIAN));
    }

    SlotStatistics empty(@Nullable BatchPolicy policy, StatisticsKind kind) {
        return new SlotStatistics(geometry, policy, kind.tables(), kind.pairs(new Slot(0, Role.KEY)));
    }

    /** Pairs of K that are not all channels if a head has an odd number of them. */
    KeyPairs pairs() {
        int channels = geometry.headDim() / 2 * 2;
        return KeyPairs.everywhere(
                channels == 0 ? RotaryPairs.NONE : new RotaryPairs(geometry.heads() % 2 == 0, channels));
    }

    Random random() {
        return random;
    }

    /** The statistics of a corpus with this one slot. */
    static CalibrationStatistics of(Slot slot, SlotStatistics statistics) {
        return new CalibrationStatistics(Corpus.EMPTY, java.util.Map.of(slot, statistics));
    }
}
