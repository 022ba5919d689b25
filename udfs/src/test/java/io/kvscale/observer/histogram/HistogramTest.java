package io.kvscale.observer.histogram;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.NaiveCounts;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.tensor.TokenMask;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Histograms against a plain map. Tensors have from one token to many thousand values per head, so that every way of
 * counting is used. The counting memory holds all slots of the task, some of them, or none.
 */
class HistogramTest {
    private static final long ONE_HEAD = 300_000;

    /** A tensor in memory. */
    private record Tensor(Slot slot, KvSource source, ByteBuffer values) {}

    @ParameterizedTest
    @ValueSource(longs = {0, 100_000, 64 << 20})
    void countsEqualAPlainLoopWithinAnyBound(long bound) {
        for (int seed = 0; seed < 12; seed++) {
            Random random = new Random(seed);
            List<Tensor> tensors = tensors(random, Dtype.values()[seed % 3]);
            CountTables tables = new CountTables(bound, Integer.MAX_VALUE);
            CalibrationStatistics all = new CalibrationStatistics(tables);
            for (Tensor tensor : tensors) {
                cut(random, tensor, all.slot(tensor.slot(), tensor.source().geometry()));
                assertThat(tables.liveBytes()).isLessThanOrEqualTo(bound + ONE_HEAD);
            }
            naive(tensors)
                    .forEach((slot, counts) ->
                            counts.check(Objects.requireNonNull(all.slots().get(slot))));
        }
    }

    @Test
    void theBytesDoNotDependOnCutsOrderBoundOrMerging() {
        for (int seed = 0; seed < 9; seed++) {
            Random random = new Random(100 + seed);
            List<Tensor> tensors = tensors(random, Dtype.values()[seed % 3]);
            byte[] whole = null;
            for (long bound : new long[] {64 << 20, 0, 50_000, 400_000}) {
                Collections.shuffle(tensors, random);
                List<CalibrationStatistics> tasks = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    tasks.add(new CalibrationStatistics(new CountTables(bound, Integer.MAX_VALUE)));
                }
                for (Tensor tensor : tensors) {
                    CalibrationStatistics task = tasks.get(random.nextInt(tasks.size()));
                    cut(random, tensor, task.slot(tensor.slot(), tensor.source().geometry()));
                    if (random.nextInt(4) == 0) {
                        task.pack();
                    }
                    if (random.nextInt(4) == 0) {
                        // Writing a file in between must change nothing.
                        task.toByteArray();
                    }
                }
                CalibrationStatistics merged = new CalibrationStatistics();
                for (CalibrationStatistics task : tasks) {
                    merged.merge(random.nextBoolean() ? task : CalibrationStatistics.fromByteArray(task.toByteArray()));
                }
                whole = whole == null ? merged.toByteArray() : whole;
                assertThat(merged.toByteArray())
                        .as("seed %d, bound %d", seed, bound)
                        .isEqualTo(whole);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void everyFinitePatternIsCountedAndNoOther(Dtype dtype) {
        Geometry geometry = new Geometry(dtype, 1, 1);
        for (int repeats : new int[] {1, 2}) {
            ByteBuffer values = buffer(2 * repeats << 16);
            for (int i = 0; i < repeats << 16; i++) {
                values.putShort((short) (i * 40_503)); // odd, so a permutation
            }
            SlotStatistics slot = new SlotStatistics(geometry, null, StatisticsKind.HISTOGRAM.tables());
            slot.update(new Position(source(geometry, 0, 1, repeats << 16, false, null), 0), values.flip());
            ValueCounts counts = Objects.requireNonNull(slot.histogram(0, 1));
            int finite = 2 * dtype.infinityKey();
            assertThat(counts.counts()).hasSize(finite).containsOnly(repeats);
            assertThat(slot.finite()).isEqualTo((long) repeats * finite);
            assertThat(slot.infinite()).isEqualTo(2L * repeats);
            for (int i = 0; i < finite; i++) {
                int pattern = i < finite / 2 ? 0x8000 + finite / 2 - 1 - i : i - finite / 2;
                assertThat(Float.floatToRawIntBits(counts.values()[i]))
                        .isEqualTo(Float.floatToRawIntBits(dtype.toFloat(pattern)));
            }
        }
    }

    @Test
    void f32ValuesAreRoundedToTheNearestTiesToEven() {
        Random random = new Random(5);
        Geometry geometry = new Geometry(Dtype.F32, 1, 1);
        int n = 40_000;
        ByteBuffer values = buffer(4 * n + 4).putFloat(Float.MAX_VALUE);
        NaiveCounts naive = new NaiveCounts(geometry);
        naive.count(0, Float.MAX_VALUE);
        int[] low = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
        for (int i = 0; i < n; i++) {
            int bits = random.nextInt() & 0xffff0000 | low[random.nextInt(low.length)];
            values.putInt(bits);
            naive.count(0, Float.intBitsToFloat(bits));
        }
        SlotStatistics slot = new SlotStatistics(geometry, null, StatisticsKind.HISTOGRAM.tables());
        slot.update(new Position(source(geometry, 0, 1, n + 1, false, null), 0), values.flip());
        naive.check(slot);
        assertThat(NaiveCounts.brain(Float.MAX_VALUE)).isEqualTo(Dtype.BF16.toFloat(0x7f7f));
        assertThat(NaiveCounts.brain(1.00390625f)).isEqualTo(1f);
        assertThat(NaiveCounts.brain(1.01171875f)).isEqualTo(1.015625f);
        assertThat(slot.max()).as("ranges stay exact").isEqualTo(Float.MAX_VALUE);
    }

    @Test
    void countersArePackedBeforeTheyOverflow32Bits() {
        long limit = 70_000;
        CountTables tables = new CountTables(64 << 20, limit);
        Geometry geometry = new Geometry(Dtype.BF16, 1, 1);
        SlotCounts counts = new SlotCounts(geometry, tables);
        long total = 0;
        Random random = new Random(8);
        for (int i = 0; i < 200; i++) {
            int n = 1 + random.nextInt(random.nextBoolean() ? 30_000 : 3_000);
            KvSource source = source(geometry, 0, 1, n, false, null);
            counts.update(new Position(source, 0), buffer(2 * n), 0, n);
            total += n;
            assertThat(Objects.requireNonNull(counts.live(0)).counted()).isBetween((long) n, limit);
            assertThat(counts.values(0, 1).counts()).containsExactly(total);
        }
        assertThat(total).isGreaterThan(10 * limit);
    }

    @Test
    void aModelOfManyHeadsStaysWithinTheBoundOverManySmallTensors() {
        long bound = 64 << 20;
        int layers = 64;
        Geometry geometry = new Geometry(Dtype.BF16, 128, 2);
        int tokens = 20;
        Random random = new Random(9);
        CountTables tables = new CountTables();
        CalibrationStatistics all = new CalibrationStatistics(tables);
        Map<Integer, NaiveCounts> naive = new TreeMap<>();
        long most = 0;
        for (int round = 0; round < 3; round++) {
            for (int layer = 0; layer < layers; layer++) {
                NaiveCounts counts = naive.computeIfAbsent(layer, l -> new NaiveCounts(geometry));
                ByteBuffer values = buffer(2 * tokens * geometry.channels());
                for (int i = 0; i < tokens * geometry.channels(); i++) {
                    int bits = random.nextInt(1 << 16);
                    values.putShort((short) bits);
                    // Only every eighth layer is counted naively, which is slow.
                    if (layer % 8 == 0) {
                        counts.count(i / (tokens * geometry.headDim()), Dtype.BF16.toFloat(bits));
                    }
                }
                Slot slot = new Slot(layer, Role.KEY);
                all.slot(slot, geometry)
                        .update(
                                new Position(source(geometry, round, 1, tokens, false, null), 0),
                                values.flip().order(ByteOrder.LITTLE_ENDIAN));
                most = Math.max(most, tables.liveBytes());
            }
        }
        assertThat(most).isBetween(bound * 9 / 10, bound);
        for (int layer = 0; layer < layers; layer += 8) {
            naive.get(layer).check(Objects.requireNonNull(all.slots().get(new Slot(layer, Role.KEY))));
        }
        all.pack();
        assertThat(tables.liveBytes()).isZero();
    }

    /** Tensors of a few slots, from one token to enough values per head for the dense table. */
    private static List<Tensor> tensors(Random random, Dtype dtype) {
        List<Tensor> tensors = new ArrayList<>();
        int[] dims = {1, 3, 64, 128};
        for (int layer = 0; layer < 3; layer++) {
            Geometry geometry = new Geometry(dtype, 1 + random.nextInt(4), dims[random.nextInt(dims.length)]);
            for (int i = 0; i < 4; i++) {
                int most = random.nextInt(3) == 0 ? 40_000 : 600;
                int tokens = 1 + random.nextInt(Math.max(1, most / geometry.headDim()));
                int batch = 1 + random.nextInt(2);
                TokenMask mask = random.nextBoolean() ? null : mask(random, batch, tokens);
                KvSource source = source(geometry, i * 1_000_000, batch, tokens, random.nextBoolean(), mask);
                tensors.add(new Tensor(new Slot(layer, Role.VALUE), source, values(random, source)));
            }
        }
        return tensors;
    }

    private static TokenMask mask(Random random, int batch, int tokens) {
        BitSet real = new BitSet();
        // Holes in a long tensor would make thousands of short runs; with a bound of 0 each of them is packed.
        boolean padded = tokens > 600 || random.nextBoolean();
        int first = random.nextInt(tokens);
        for (int i = 0; i < batch * tokens; i++) {
            real.set(i, padded ? i % tokens >= first : random.nextInt(5) > 0);
        }
        return new TokenMask(batch, tokens, real);
    }

    /** Normally distributed values, random patterns, or few distinct values. */
    private static ByteBuffer values(Random random, KvSource source) {
        Dtype dtype = source.geometry().dtype();
        int kind = random.nextInt(3);
        ByteBuffer values = buffer((int) source.size() * dtype.bytes());
        while (values.hasRemaining()) {
            int bits = switch (kind) {
                case 0 -> dtype.fromFloat((float) random.nextGaussian());
                case 1 -> random.nextInt();
                default -> dtype.fromFloat(random.nextInt(3) * -0f);
            };
            if (dtype == Dtype.F32) {
                values.putInt(bits);
            } else {
                values.putShort((short) bits);
            }
        }
        return values.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Adds the tensor to the slot in pieces, in random order. */
    private static void cut(Random random, Tensor tensor, SlotStatistics to) {
        int bytes = tensor.source().geometry().dtype().bytes();
        int size = (int) tensor.source().size();
        List<int[]> pieces = new ArrayList<>();
        for (int from = 0; from < size; ) {
            int end = random.nextBoolean() ? size : from + 1 + random.nextInt(size - from);
            pieces.add(new int[] {from, end});
            from = end;
        }
        Collections.shuffle(pieces, random);
        for (int[] piece : pieces) {
            to.update(
                    new Position(tensor.source(), piece[0]),
                    tensor.values().slice(piece[0] * bytes, (piece[1] - piece[0]) * bytes));
        }
    }

    private static Map<Slot, NaiveCounts> naive(List<Tensor> tensors) {
        Map<Slot, NaiveCounts> naive = new TreeMap<>();
        for (Tensor tensor : tensors) {
            KvSource source = tensor.source();
            Geometry geometry = source.geometry();
            NaiveCounts counts = naive.computeIfAbsent(tensor.slot(), slot -> new NaiveCounts(geometry));
            int at = 0;
            for (int row = 0; row < source.batch(); row++) {
                for (int outer = 0; outer < source.sizeOfRow() / geometry.headDim(); outer++) {
                    int head = source.tokenMajor() ? outer % geometry.heads() : outer / source.tokens();
                    int token = source.tokenMajor() ? outer / geometry.heads() : outer % source.tokens();
                    boolean real = source.mask() == null || source.mask().real().get(row * source.tokens() + token);
                    for (int d = 0; d < geometry.headDim(); d++, at++) {
                        if (real) {
                            counts.count(head, number(tensor, at));
                        }
                    }
                }
            }
        }
        return naive;
    }

    private static float number(Tensor tensor, int i) {
        Dtype dtype = tensor.source().geometry().dtype();
        return dtype == Dtype.F32
                ? tensor.values().getFloat(4 * i)
                : dtype.toFloat(tensor.values().getShort(2 * i) & 0xffff);
    }

    private static KvSource source(
            Geometry geometry, long offset, int batch, int tokens, boolean tokenMajor, @Nullable TokenMask mask) {
        return new KvSource("f", offset, "s", geometry, batch, tokens, tokenMajor, mask);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
