package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The laws of every kind of statistics, checked on the bytes of the file: merge(f(A), f(B)) = f(A and B), commutative,
 * associative, with an identity. Add a new kind of statistics to {@link #observers}.
 */
class StatisticsLawsTest {
    private static final int SEEDS = 60;
    private static final Slot SLOT = new Slot(7, Role.KEY);

    /** A kind of statistics that a slot keeps. */
    private enum Observer {
        STATIC_MINMAX,
        MINMAX_BY_TENSOR,
        MINMAX_BY_CHANNEL,
        LAST_BY_HEAD,
        HISTOGRAM,
        HISTOGRAM_AND_BATCHES,
        PAIRS,
        HISTOGRAM_AND_PAIRS;

        StatisticsKind kind(SeededCorpus corpus) {
            StatisticsKind kind = name().startsWith("HISTOGRAM") ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
            return name().endsWith("PAIRS") ? kind.with(corpus.pairs()) : kind;
        }

        /** All values in pieces that this kind of statistics takes. */
        List<SeededCorpus.Piece> pieces(SeededCorpus corpus) {
            return name().endsWith("PAIRS") ? corpus.heads() : corpus.pieces();
        }

        @Nullable
        BatchPolicy policy(Geometry geometry) {
            return switch (this) {
                case STATIC_MINMAX, HISTOGRAM, PAIRS, HISTOGRAM_AND_PAIRS -> null;
                case MINMAX_BY_TENSOR -> new BatchPolicy(geometry.channels(), false);
                case MINMAX_BY_CHANNEL, HISTOGRAM_AND_BATCHES -> new BatchPolicy(1, false);
                case LAST_BY_HEAD -> new BatchPolicy(geometry.headDim(), true);
            };
        }
    }

    static Stream<Arguments> observers() {
        return Stream.of(Dtype.values())
                .flatMap(dtype -> Stream.of(Observer.values()).map(observer -> Arguments.of(dtype, observer)));
    }

    @ParameterizedTest
    @MethodSource("observers")
    void mergedPartsEqualTheWholeForAnyCutAndGrouping(Dtype dtype, Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(seed, dtype);
            byte[] whole = bytes(fold(corpus, observer, wholes(corpus)));
            for (int round = 0; round < 3; round++) {
                List<SlotStatistics> parts = parts(corpus, observer);
                while (parts.size() > 1) {
                    SlotStatistics one = parts.remove(corpus.random().nextInt(parts.size()));
                    SlotStatistics other = parts.remove(corpus.random().nextInt(parts.size()));
                    one.merge(other);
                    parts.add(corpus.random().nextBoolean() ? one : viaBytes(one));
                }
                assertThat(bytes(parts.get(0))).as("seed %d", seed).isEqualTo(whole);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("observers")
    void mergingCommutesAndAssociates(Dtype dtype, Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(1_000 + seed, dtype);
            List<SeededCorpus.Piece> pieces = observer.pieces(corpus);
            Random random = corpus.random();
            int one = random.nextInt(pieces.size() + 1);
            int two = one + random.nextInt(pieces.size() + 1 - one);
            List<SeededCorpus.Piece> a = pieces.subList(0, one);
            List<SeededCorpus.Piece> b = pieces.subList(one, two);
            List<SeededCorpus.Piece> c = pieces.subList(two, pieces.size());
            byte[] expected = bytes(fold(corpus, observer, pieces));
            byte[] left = bytes(
                    merged(merged(fold(corpus, observer, a), fold(corpus, observer, b)), fold(corpus, observer, c)));
            byte[] right = bytes(
                    merged(fold(corpus, observer, a), merged(fold(corpus, observer, b), fold(corpus, observer, c))));
            byte[] swapped = bytes(
                    merged(merged(fold(corpus, observer, c), fold(corpus, observer, a)), fold(corpus, observer, b)));
            assertThat(left).isEqualTo(expected).isEqualTo(right).isEqualTo(swapped);
        }
    }

    @ParameterizedTest
    @MethodSource("observers")
    void theEmptyStateIsTheIdentity(Dtype dtype, Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(2_000 + seed, dtype);
            List<SeededCorpus.Piece> pieces = observer.pieces(corpus);
            byte[] expected = bytes(fold(corpus, observer, pieces));
            SlotStatistics empty = corpus.empty(observer.policy(corpus.geometry), observer.kind(corpus));
            assertThat(empty.isEmpty()).isTrue();
            assertThat(bytes(merged(fold(corpus, observer, pieces), viaBytes(empty))))
                    .isEqualTo(expected);
            assertThat(bytes(merged(viaBytes(empty), fold(corpus, observer, pieces))))
                    .isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("observers")
    void statisticsReadBackFromTheFile(Dtype dtype, Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(3_000 + seed, dtype);
            SlotStatistics whole = fold(corpus, observer, observer.pieces(corpus));
            SlotStatistics read = viaBytes(whole);
            assertThat(bytes(read)).isEqualTo(bytes(whole));
            assertThat(bytes(viaTaskBytes(whole))).isEqualTo(bytes(whole));
            assertThat(read.geometry()).isEqualTo(whole.geometry());
            assertThat(read.batchPolicy()).isEqualTo(whole.batchPolicy());
            assertThat(read.minSample()).isEqualTo(whole.minSample());
            assertThat(read.firstNonFiniteOrigin()).isEqualTo(whole.firstNonFiniteOrigin());
        }
    }

    @ParameterizedTest
    @MethodSource("observers")
    void everyQueryAgreesWithAPlainLoopOverTheValues(Dtype dtype, Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(4_000 + seed, dtype);
            SlotStatistics statistics = fold(corpus, observer, observer.pieces(corpus));
            assertThat(statistics.hasHistograms())
                    .isEqualTo(observer.kind(corpus).histograms());
            new NaiveStatistics(corpus).check(statistics);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"STATIC_MINMAX", "HISTOGRAM"})
    void wholeStatisticsMergeByTheSameLaws(Observer observer) {
        for (int seed = 0; seed < SEEDS; seed++) {
            Random random = new Random(seed);
            CalibrationStatistics whole = new CalibrationStatistics();
            List<CalibrationStatistics> parts = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                parts.add(new CalibrationStatistics());
            }
            for (int s = 0; s < 6; s++) {
                Slot slot = new Slot(s / 3, Role.values()[s % 3]);
                SeededCorpus corpus = new SeededCorpus(random.nextInt(), Dtype.values()[random.nextInt(3)]);
                whole.merge(
                        new CalibrationStatistics(read(slot), Map.of(slot, fold(corpus, observer, wholes(corpus)))));
                parts.get(random.nextInt(5)).merge(new CalibrationStatistics(read(slot), Map.of()));
                for (SlotStatistics part : parts(corpus, observer)) {
                    parts.get(random.nextInt(5)).merge(SeededCorpus.of(slot, part));
                }
            }
            CalibrationStatistics merged = new CalibrationStatistics();
            assertThat(merged.isEmpty()).isTrue();
            parts.forEach(part -> merged.merge(CalibrationStatistics.fromByteArray(part.toByteArray())));
            assertThat(merged.toByteArray()).isEqualTo(whole.toByteArray());
            assertThat(merged.corpus().files()).isEqualTo(6);
            assertThat(merged.isEmpty()).isFalse();
        }
    }

    @Test
    void fingerprintsAreSummedModulo2ToThe256() {
        Corpus most = new Corpus(Corpus.MODULUS.subtract(BigInteger.ONE), 1);
        assertThat(most.merge(most).fingerprint()).isEqualTo(Corpus.MODULUS.subtract(BigInteger.TWO));
        assertThat(most.merge(new Corpus(BigInteger.ONE, 2))).isEqualTo(new Corpus(BigInteger.ZERO, 3));
        assertThat(most.fingerprintHex()).isEqualTo("f".repeat(64));
        assertThat(Corpus.EMPTY.fingerprintHex()).isEqualTo("0".repeat(64));
        assertThat(read(SLOT).withTensor("a", "bc", "F32", List.of(1L)))
                .isNotEqualTo(read(SLOT).withTensor("ab", "c", "F32", List.of(1L)));
        // printf '1:a2:bc3:F323:[1]' | sha256sum
        assertThat(Corpus.EMPTY.withTensor("a", "bc", "F32", List.of(1L)).fingerprintHex())
                .isEqualTo("0fa1b1f2cb1d1695cba305204d206eaf5d151d32d28c01a701c7430bb30baa0c");
    }

    @ParameterizedTest
    @EnumSource
    void aSlotWithValuesMergesOnlyWithTheSameKind(Dtype dtype) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(5_000 + seed, dtype);
            List<SeededCorpus.Piece> pieces = corpus.pieces();
            SlotStatistics range = fold(corpus, Observer.STATIC_MINMAX, pieces);
            SlotStatistics counted = fold(corpus, Observer.HISTOGRAM, pieces);
            if (range.isEmpty()) {
                assertThat(bytes(merged(range, counted))).isEqualTo(bytes(merged(counted, viaBytes(counted))));
                continue;
            }
            byte[] before = bytes(counted);
            assertThat(counted.hasHistogramsLike(range)).isFalse();
            assertThat(range.hasHistogramsLike(counted)).isFalse();
            for (SlotStatistics[] pair : new SlotStatistics[][] {{range, counted}, {counted, range}}) {
                assertThatThrownBy(() -> pair[0].merge(pair[1]))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("calibrate both with the same kvscale.statistics");
            }
            assertThat(bytes(counted)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @EnumSource
    void anEmptySlotOfEitherKindChangesNothing(Dtype dtype) {
        for (int seed = 0; seed < SEEDS; seed++) {
            SeededCorpus corpus = new SeededCorpus(6_000 + seed, dtype);
            List<SeededCorpus.Piece> pieces = corpus.pieces();
            SlotStatistics seen = fold(corpus, Observer.STATIC_MINMAX, pieces);
            if (seen.isEmpty()) {
                continue;
            }
            for (Observer observer : List.of(Observer.STATIC_MINMAX, Observer.HISTOGRAM)) {
                for (Observer none : List.of(Observer.STATIC_MINMAX, Observer.HISTOGRAM)) {
                    byte[] expected = bytes(fold(corpus, observer, pieces));
                    assertThat(bytes(merged(fold(corpus, observer, pieces), fold(corpus, none, List.of()))))
                            .isEqualTo(expected);
                    assertThat(bytes(merged(fold(corpus, none, List.of()), fold(corpus, observer, pieces))))
                            .isEqualTo(expected);
                }
            }
            SlotStatistics either = merged(
                    fold(corpus, Observer.STATIC_MINMAX, List.of()), fold(corpus, Observer.HISTOGRAM, List.of()));
            assertThat(bytes(either)).isEqualTo(bytes(fold(corpus, Observer.HISTOGRAM, List.of())));
        }
    }

    @Test
    void mergeDoesNotChangeItsArgument() {
        SeededCorpus corpus = new SeededCorpus(3, Dtype.BF16);
        SlotStatistics other = fold(corpus, Observer.HISTOGRAM, wholes(corpus));
        byte[] before = bytes(other);
        SlotStatistics into = fold(corpus, Observer.STATIC_MINMAX, List.of());
        into.merge(other);
        wholes(corpus).forEach(piece -> piece.into(into));
        into.merge(other);
        assertThat(bytes(other)).isEqualTo(before);
        assertThat(into.finite()).isEqualTo(3 * other.finite());
    }

    @Test
    void mergedSlotsCountInTheTablesOfTheTask() {
        SeededCorpus corpus = new SeededCorpus(3, Dtype.BF16);
        CountTables tables = new CountTables();
        CalibrationStatistics into = new CalibrationStatistics(tables);
        into.merge(SeededCorpus.of(SLOT, viaBytes(fold(corpus, Observer.HISTOGRAM, List.of()))));
        into.merge(SeededCorpus.of(new Slot(8, Role.KEY), fold(corpus, Observer.STATIC_MINMAX, List.of())));
        for (Slot slot : into.slots().keySet()) {
            wholes(corpus).forEach(piece -> piece.into(into.slot(slot, corpus.geometry)));
            assertThat(bytes(into.slot(slot, corpus.geometry)))
                    .isEqualTo(bytes(fold(corpus, Observer.HISTOGRAM, wholes(corpus))));
        }
        assertThat(tables.liveBytes()).isPositive();
        into.pack();
        assertThat(tables.liveBytes()).isZero();
    }

    @Test
    void slotsOfDifferentGeometryOrBatchPolicyDoNotMerge() {
        SlotStatistics one = new SlotStatistics(new Geometry(Dtype.BF16, 2, 4), null, StatisticsKind.RANGE.tables());
        assertThatThrownBy(() -> one.merge(
                        new SlotStatistics(new Geometry(Dtype.F16, 2, 4), null, StatisticsKind.RANGE.tables())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.merge(
                        new SlotStatistics(new Geometry(Dtype.BF16, 4, 2), null, StatisticsKind.RANGE.tables())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.merge(
                        new SlotStatistics(one.geometry(), new BatchPolicy(1, false), StatisticsKind.RANGE.tables())))
                .isInstanceOf(IllegalArgumentException.class);
        SlotStatistics kept =
                new SlotStatistics(one.geometry(), new BatchPolicy(1, true), StatisticsKind.RANGE.tables());
        assertThatThrownBy(() -> kept.merge(
                        new SlotStatistics(one.geometry(), new BatchPolicy(1, false), StatisticsKind.RANGE.tables())))
                .isInstanceOf(IllegalArgumentException.class);
        SeededCorpus corpus = new SeededCorpus(1, Dtype.F32);
        assertThatThrownBy(() -> corpus.whole(corpus.tensors.get(0)).into(one))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static Corpus read(Slot slot) {
        return Corpus.EMPTY.withFile().withTensor("s", slot.toString(), "F32", List.of(1L, 2L));
    }

    private static List<SeededCorpus.Piece> wholes(SeededCorpus corpus) {
        return corpus.tensors.stream().map(corpus::whole).toList();
    }

    private static List<SlotStatistics> parts(SeededCorpus corpus, Observer observer) {
        List<SlotStatistics> parts = new ArrayList<>();
        int count = 1 + corpus.random().nextInt(5);
        for (int i = 0; i < count; i++) {
            parts.add(corpus.empty(observer.policy(corpus.geometry), observer.kind(corpus)));
        }
        observer.pieces(corpus)
                .forEach(piece -> piece.into(parts.get(corpus.random().nextInt(count))));
        return parts;
    }

    private static SlotStatistics fold(SeededCorpus corpus, Observer observer, List<SeededCorpus.Piece> pieces) {
        SlotStatistics statistics = corpus.empty(observer.policy(corpus.geometry), observer.kind(corpus));
        pieces.forEach(piece -> piece.into(statistics));
        return statistics;
    }

    private static SlotStatistics merged(SlotStatistics into, SlotStatistics other) {
        into.merge(other);
        return into;
    }

    private static byte[] bytes(SlotStatistics statistics) {
        return SeededCorpus.of(SLOT, statistics).toByteArray();
    }

    private static SlotStatistics viaTaskBytes(SlotStatistics statistics) {
        byte[] sent = new CalibrationStatistics(Corpus.EMPTY, Map.of(SLOT, statistics)).toTaskBytes();
        return java.util.Objects.requireNonNull(
                CalibrationStatistics.ofTaskBytes(sent).slots().get(SLOT));
    }

    private static SlotStatistics viaBytes(SlotStatistics statistics) {
        return java.util.Objects.requireNonNull(
                CalibrationStatistics.fromByteArray(bytes(statistics)).slots().get(SLOT));
    }
}
