package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import io.kvscale.tensor.TokenMask;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The statistics file against golden bytes, which were made from the format description without this code. They are never
 * regenerated: a change of the format is a new version with a folder of its own.
 */
class StatisticsFileTest {
    private static final String NAME = "s/\u00fc\ud83d\ude00";

    static Stream<Arguments> golden() {
        return Stream.of(
                Arguments.of("v1/empty.kvstats", new CalibrationStatistics()),
                Arguments.of("v1/minmax.kvstats", minmax()),
                Arguments.of("v1/batches.kvstats", batches()),
                Arguments.of("v2/histograms.kvstats", histograms()),
                Arguments.of("v3/queries.kvstats", queries()),
                Arguments.of("v4/pairs.kvstats", pairs()));
    }

    @ParameterizedTest
    @MethodSource("golden")
    void theBytesEqualTheGoldenBytes(String file, CalibrationStatistics statistics) {
        assertThat(statistics.toByteArray()).isEqualTo(golden(file));
    }

    @ParameterizedTest
    @MethodSource("golden")
    void theGoldenBytesReadBack(String file, CalibrationStatistics statistics) {
        CalibrationStatistics read = CalibrationStatistics.fromByteArray(golden(file));
        assertThat(read.toByteArray()).isEqualTo(golden(file));
        assertThat(read.corpus()).isEqualTo(statistics.corpus());
        assertThat(read.slots().keySet()).isEqualTo(statistics.slots().keySet());
    }

    @Test
    void theGoldenFileHoldsTheExpectedValues() {
        Map<Slot, SlotStatistics> slots =
                CalibrationStatistics.fromByteArray(golden("v1/minmax.kvstats")).slots();
        SlotStatistics key = Objects.requireNonNull(slots.get(new Slot(0, Role.KEY)));
        assertThat(key.ranges(1))
                .containsExactly(new Range(-1, 1), new Range(-0f, 0f), new Range(0.5f, 3), new Range(0f, 0f));
        SlotStatistics value = Objects.requireNonNull(slots.get(new Slot(0, Role.VALUE)));
        assertThat(value.ranges(2)).containsExactly(new Range(-3, 2));
        assertThat(String.valueOf(value.minSample())).isEqualTo(NAME + "#1");
        assertThat(List.of(value.finite(), value.nan(), value.infinite(), value.tokens(), value.samples()))
                .containsExactly(3L, 2L, 1L, 3L, 2L);
        SlotStatistics none = Objects.requireNonNull(slots.get(new Slot(9_999, Role.KEY)));
        assertThat(none.isEmpty()).isTrue();
        assertThat(none.ranges(1)[0].isEmpty()).isTrue();
    }

    @Test
    void theGoldenFileHoldsTheExpectedHistograms() {
        Map<Slot, SlotStatistics> slots = CalibrationStatistics.fromByteArray(golden("v2/histograms.kvstats"))
                .slots();
        counts(slots, new Slot(0, Role.KEY), 0, false, Map.of(-1f, 1L, -0f, 1L, 0f, 1L, 1f, 300L));
        counts(slots, new Slot(0, Role.KEY), 1, false, Map.of(0f, 303L, 0x1p-133f, 1L));
        counts(
                slots,
                new Slot(0, Role.VALUE),
                0,
                true,
                Map.of(-0f, 1L, 1f, 1L, 1.015625f, 1L, Dtype.BF16.toFloat(0x7f7f), 1L));
        counts(slots, new Slot(3, Role.KEY), 1, false, Map.of());
        assertThat(Objects.requireNonNull(slots.get(new Slot(3, Role.VALUE))).hasHistograms())
                .isFalse();
    }

    private static void counts(
            Map<Slot, SlotStatistics> slots, Slot slot, int head, boolean approximate, Map<Float, Long> expected) {
        ValueCounts counts =
                Objects.requireNonNull(Objects.requireNonNull(slots.get(slot)).histogram(head, 1));
        Map<Float, Long> found = new HashMap<>();
        for (int i = 0; i < counts.values().length; i++) {
            found.put(counts.values()[i], counts.counts()[i]);
        }
        assertThat(found).isEqualTo(expected);
        assertThat(counts.approximate()).isEqualTo(approximate);
    }

    @ParameterizedTest
    @MethodSource("golden")
    void aFileCutShortAnywhereIsRefused(String file, CalibrationStatistics statistics) {
        byte[] bytes = golden(file);
        for (int length = 0; length < bytes.length; length++) {
            refused(Arrays.copyOf(bytes, length));
        }
        refused(Arrays.copyOf(bytes, bytes.length + 1));
    }

    @ParameterizedTest
    @MethodSource("golden")
    void anyAlteredByteIsRefused(String file, CalibrationStatistics statistics) {
        byte[] bytes = golden(file);
        for (int i = 0; i < bytes.length; i++) {
            for (int change : new int[] {1, 0x80, 0xff, 0x20}) {
                byte[] altered = bytes.clone();
                altered[i] ^= (byte) change;
                refused(altered);
            }
        }
    }

    @Test
    void aLaterVersionIsRefusedWithItsNumber() {
        byte[] later = golden("v1/minmax.kvstats");
        later[8] = 5;
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(later))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("needs statistics version 5, this kvscale reads up to 4")
                .hasMessageContaining("use the kvscale that wrote the file");
        byte[] none = golden("v1/minmax.kvstats");
        none[8] = 0;
        refused(StatisticsFuzzTest.sealed(none));
    }

    @Test
    void anUnknownSectionIsRefusedWithTheVersionItNeeds() {
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("histograms", 5, new byte[5])))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("section 'histograms' needs statistics version 5, this kvscale reads up to 4");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("sketches", 2, new byte[4])))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("section 'sketches' needs statistics version 2");
    }

    /** The golden file was written by a script that shares no code with kvscale. */
    @Test
    void theGoldenFileHoldsTheExpectedNorms() {
        CalibrationStatistics read = CalibrationStatistics.fromByteArray(golden("v4/pairs.kvstats"));
        SlotStatistics key = Objects.requireNonNull(read.slots().get(new Slot(0, Role.KEY)));
        assertThat(key.pairs()).isEqualTo(new RotaryPairs(false, 4));
        // 3, 4 and 1, 2
        float small = (float) Math.sqrt(5);
        assertThat(key.envelope(1))
                .containsExactly(
                        new Range(-5, 5),
                        new Range(-small, small),
                        new Range(-5, 5),
                        new Range(-small, small),
                        new Range(-9, 9),
                        new Range(0.5f, 0.5f));
        assertThat((double) small * small).isGreaterThanOrEqualTo(5);
    }

    @Test
    void damagedNormsAreRefused() {
        byte[] good = golden("v4/pairs.kvstats");
        int norms = good.length - 32 - 16;
        int channels = norms - 4;
        refused(withDouble(good, norms, Double.NaN), "the norm of pair 0 of head 0 does not fit its ranges");
        refused(withDouble(good, norms, Double.POSITIVE_INFINITY), "the norm of pair 0 of head 0");
        refused(withDouble(good, norms, -25), "the norm of pair 0 of head 0");
        // Less than the square of channel 2, and more than the squares of both channels.
        refused(withDouble(good, norms, 15.9), "the norm of pair 0 of head 0");
        refused(withDouble(good, norms + 8, 8.01), "the norm of pair 1 of head 0");
        CalibrationStatistics.fromByteArray(withDouble(good, norms, 16));
        refused(withInt(good, channels, 3), "3 channels do not make pairs");
        refused(withInt(good, channels, -2), "-2 channels do not make pairs");
        refused(withInt(good, channels, 8), "8 rotated channels are more than head_dim 6");
        refused(withInt(good, channels, 131_072), "131072 rotated channels are more than head_dim 6");
        refused(withInt(good, channels, 6), "a count needs more than the 16 bytes that remain");
        refused(withInt(good, channels, 2), "the norm of pair 0");
        refused(withByte(good, channels - 1, 2), "a flag is 2");
        refused(withByte(good, channels - 5, 1), "slot index 1");
        int role = new String(good, StandardCharsets.ISO_8859_1).indexOf("slots") + 5 + 10 + 4 + 2;
        refused(withByte(good, role, 1), "layer 0 value has norms of pairs, but only keys are rotated");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("pairs", 5, new byte[4])))
                .hasMessageContaining("section 'pairs' needs statistics version 5");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("pairs", 2, new byte[4])))
                .hasMessageContaining("section 'pairs' is out of place");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("pairs", 4, new byte[4])))
                .hasMessageContaining("but its sections need version 4");
    }

    private static byte[] withDouble(byte[] file, int at, double value) {
        byte[] changed = file.clone();
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putDouble(at, value);
        return StatisticsFuzzTest.sealed(changed);
    }

    private static byte[] withInt(byte[] file, int at, int value) {
        byte[] changed = file.clone();
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        return StatisticsFuzzTest.sealed(changed);
    }

    private static byte[] withByte(byte[] file, int at, int value) {
        byte[] changed = file.clone();
        changed[at] = (byte) value;
        return StatisticsFuzzTest.sealed(changed);
    }

    /** An earlier kvscale reads the version before anything else, and refuses it. Without queries the version stays. */
    @Test
    void onlyAFileWithQueriesNeedsVersion3() {
        assertThat(golden("v3/queries.kvstats")[8]).isEqualTo((byte) 3);
        CalibrationStatistics read = CalibrationStatistics.fromByteArray(golden("v3/queries.kvstats"));
        assertThat(Objects.requireNonNull(read.slots().get(new Slot(0, Role.QUERY)))
                        .ranges(2))
                .containsExactly(new Range(-6, 5), new Range(7, 8));
        CalibrationStatistics cached = new CalibrationStatistics(read.corpus(), Slot.cached(read.slots()));
        assertThat(cached.toByteArray()[8]).isEqualTo((byte) 1);
    }

    @Test
    void aFileWhoseVersionAndRolesContradictIsRefused() {
        int slots = 8 + 4 + 1 + "corpus".length() + 10 + 40;
        int since = slots + 1 + "slots".length();
        int firstRole = since + 10 + 4 + 2;
        byte[] earlier = golden("v3/queries.kvstats");
        earlier[8] = 1;
        earlier[since] = 1;
        refused(StatisticsFuzzTest.sealed(earlier), "has queries");
        byte[] later = golden("v1/minmax.kvstats");
        later[8] = 3;
        later[since] = 3;
        refused(StatisticsFuzzTest.sealed(later), "that of a file with queries, but has none");
        byte[] unknown = golden("v1/minmax.kvstats");
        unknown[firstRole] = 3;
        refused(StatisticsFuzzTest.sealed(unknown), "unknown role 3");
    }

    private static void refused(byte[] bytes, String what) {
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(bytes))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(what);
    }

    @Test
    void sectionsOccurOnceAndInOrder() {
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("ranges", 1, new byte[0])))
                .hasMessageContaining("section 'ranges' is out of place");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("corpus", 1, new byte[40])))
                .hasMessageContaining("section 'corpus' is out of place");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("batches", 0, new byte[4])))
                .hasMessageContaining("section 'batches' is out of place");
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(withSection("batches", 1, new byte[4])))
                .hasMessageContaining("section 'batches' holds no slot");
        byte[] fewer = golden("v1/minmax.kvstats");
        fewer[10] = 2;
        refused(StatisticsFuzzTest.sealed(fewer));
    }

    /** Empty statistics with an additional section. */
    private static byte[] withSection(String name, int since, byte[] payload) {
        byte[] empty = golden("v1/empty.kvstats");
        ByteBuffer file = ByteBuffer.allocate(empty.length + 11 + name.length() + payload.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        file.put(empty, 0, empty.length - 32).put((byte) name.length()).put(name.getBytes(StandardCharsets.US_ASCII));
        file.putShort((short) since).putLong(payload.length).put(payload);
        file.putShort(10, (short) 4);
        return StatisticsFuzzTest.sealed(file.array());
    }

    private static void refused(byte[] bytes) {
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(bytes)).isInstanceOf(InvalidDataException.class);
    }

    static byte[] golden(String file) {
        try (InputStream in = StatisticsFileTest.class.getResourceAsStream("/statistics/" + file)) {
            assertThat(in).as("golden file %s", file).isNotNull();
            return in.readAllBytes();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static CalibrationStatistics minmax() {
        String file = NAME + ".safetensors";
        SlotStatistics key = new SlotStatistics(new Geometry(Dtype.BF16, 2, 2), null, StatisticsKind.RANGE.tables());
        update(key, new KvSource(file, 0, NAME, key.geometry(), 1, 2, false, null), -1, -0f, 1, 0, 0.5f, 0, 3, 0);
        SlotStatistics value = new SlotStatistics(new Geometry(Dtype.F32, 1, 2), null, StatisticsKind.RANGE.tables());
        BitSet real = new BitSet();
        real.set(0, 3);
        update(
                value,
                new KvSource(file, 16, NAME, value.geometry(), 2, 2, false, new TokenMask(2, 2, real)),
                2,
                Float.NaN,
                Float.NaN,
                Float.POSITIVE_INFINITY,
                -3,
                1,
                99,
                Float.NaN);
        Corpus corpus = Corpus.EMPTY
                .withFile()
                .withTensor(NAME, "layers.0.keys", "BF16", List.of(1L, 2L, 2L, 2L))
                .withTensor(NAME, "layers.0.values", "F32", List.of(2L, 1L, 2L, 2L));
        SlotStatistics none = new SlotStatistics(new Geometry(Dtype.F16, 1, 1), null, StatisticsKind.RANGE.tables());
        return new CalibrationStatistics(
                corpus,
                Map.of(new Slot(0, Role.KEY), key, new Slot(0, Role.VALUE), value, new Slot(9_999, Role.KEY), none));
    }

    private static CalibrationStatistics batches() {
        return new CalibrationStatistics(
                Corpus.EMPTY,
                Map.of(
                        new Slot(3, Role.KEY), kept(new BatchPolicy(2, false)),
                        new Slot(3, Role.VALUE), kept(new BatchPolicy(4, true))));
    }

    private static CalibrationStatistics histograms() {
        SlotStatistics key =
                new SlotStatistics(new Geometry(Dtype.BF16, 2, 1), null, StatisticsKind.HISTOGRAM.tables());
        float[] values = new float[608];
        Arrays.fill(values, 0, 300, 1f);
        values[300] = -0f;
        values[302] = -1;
        values[303] = Float.NaN;
        values[607] = 0x1p-133f;
        update(key, source(key, 0, 304), values);
        SlotStatistics value =
                new SlotStatistics(new Geometry(Dtype.F32, 1, 2), null, StatisticsKind.HISTOGRAM.tables());
        update(value, source(value, 0, 2), 1.00390625f, 1.01171875f, Float.MAX_VALUE, -0f);
        SlotStatistics none =
                new SlotStatistics(new Geometry(Dtype.F16, 2, 1), null, StatisticsKind.HISTOGRAM.tables());
        SlotStatistics range = new SlotStatistics(
                new Geometry(Dtype.F16, 1, 1), new BatchPolicy(1, true), StatisticsKind.RANGE.tables());
        update(range, source(range, 64, 1), 2);
        return new CalibrationStatistics(
                Corpus.EMPTY.withFile(),
                Map.of(
                        new Slot(0, Role.KEY), key,
                        new Slot(0, Role.VALUE), value,
                        new Slot(3, Role.KEY), none,
                        new Slot(3, Role.VALUE), range));
    }

    private static CalibrationStatistics queries() {
        return new CalibrationStatistics(
                Corpus.EMPTY.withFile(),
                Map.of(
                        new Slot(0, Role.KEY), oneToken(1, 1, -2),
                        new Slot(0, Role.VALUE), oneToken(1, 3, 4),
                        new Slot(0, Role.QUERY), oneToken(2, 5, -6, 7, 8)));
    }

    private static CalibrationStatistics pairs() {
        SlotStatistics key = new SlotStatistics(new Geometry(Dtype.BF16, 1, 6), null, null, new RotaryPairs(false, 4));
        update(key, source(key, 0, 2), 3, 1, 4, 2, -9, 0.5f, -3.5f, 1, 1, -2, 9, 0.5f);
        return new CalibrationStatistics(Corpus.EMPTY.withFile(), Map.of(new Slot(0, Role.KEY), key));
    }

    private static SlotStatistics oneToken(int heads, float... values) {
        SlotStatistics slot =
                new SlotStatistics(new Geometry(Dtype.BF16, heads, 2), null, StatisticsKind.RANGE.tables());
        update(slot, source(slot, 0, 1), values);
        return slot;
    }

    private static KvSource source(SlotStatistics slot, long offset, int tokens) {
        return new KvSource("s.safetensors", offset, "s", slot.geometry(), 1, tokens, false, null);
    }

    private static SlotStatistics kept(@Nullable BatchPolicy policy) {
        SlotStatistics slot = new SlotStatistics(new Geometry(Dtype.F16, 2, 2), policy, StatisticsKind.RANGE.tables());
        update(slot, new KvSource("b.st", 72, "b", slot.geometry(), 1, 1, false, null), 1, 5, 3, 6);
        update(slot, new KvSource("a.st", 100, "a", slot.geometry(), 1, 1, true, null), -1, 2, 3, 4);
        return slot;
    }

    private static void update(SlotStatistics slot, KvSource source, float... values) {
        Dtype dtype = slot.geometry().dtype();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            if (dtype == Dtype.F32) {
                bytes.putFloat(x);
            } else {
                bytes.putShort((short) dtype.fromFloat(x));
            }
        }
        slot.update(new Position(source, 0), bytes.flip());
    }
}
