package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The laws of a commutative monoid, over seeded partitions of one corpus. */
class TaskStateTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 2, 4);
    private static final Geometry OTHER = new Geometry(Dtype.BF16, 4, 2);
    private static final int SAMPLES = 24;

    /** The state of a task over some samples; each shows geometries, problems and counts of its own. */
    private static TaskState task(List<Integer> samples, StatisticsKind kind) {
        QuantizedKvCache cache = new QuantizedKvCache(SlotSchemes.of(QuantizationScheme.fp8()), 0, kind, null);
        TaskState state = new TaskState();
        CaptureScreen screen = new CaptureScreen(CaptureOptions.defaults());
        Corpus corpus = Corpus.EMPTY;
        Tally tally = Tally.NONE;
        for (int sample : samples) {
            // Some samples are copies of earlier ones.
            Random random = new Random(sample % 9 == 0 ? sample % 18 : sample);
            String name = "s" + sample;
            for (Slot slot : List.of(new Slot(sample % 3, Role.KEY), new Slot(7, Role.VALUE))) {
                Geometry geometry = slot.layer() == 7 && sample % 5 == 4 ? OTHER : GEOMETRY;
                ByteBuffer values = ByteBuffer.allocate(2 * 3 * 8).order(ByteOrder.LITTLE_ENDIAN);
                while (values.hasRemaining()) {
                    values.putShort((short) Dtype.BF16.fromFloat((float) random.nextGaussian()));
                }
                KvSource source = new KvSource(name + ".safetensors", 0, name, geometry, 1, 3, false, null);
                screen.observe(slot, new Position(source, 0), values.flip());
                state.observe(cache, null, slot, new Position(source, 0), values);
                corpus = corpus.withTensor(name, slot.toString(), "BF16", List.of(1L, 2L, 3L, 4L));
            }
            corpus = corpus.withFile();
            DataProblem problem = DataProblem.of("wrong", "").inSample(Sample.named(name));
            if (sample % 7 == 3) {
                state.add(problem);
            }
            List<String> names = sample % 4 == 0 ? List.of() : List.of("n" + sample % 3, "x" + sample);
            FailedSamples failed = sample % 6 == 1 ? new FailedSamples(1, problem) : FailedSamples.NONE;
            tally = tally.merge(
                    new Tally(sample, 1, sample % 2, 0, names.size(), names, failed, new PhaseNanos(sample, 2, 3)));
        }
        return state.suspecting(screen).counting(corpus, tally);
    }

    /** A state of its own, because merging uses up its argument. */
    private static TaskState copy(TaskState state) {
        return TaskState.fromByteArray(state.toByteArray());
    }

    private static TaskState merged(List<TaskState> states) {
        TaskState all = new TaskState();
        states.forEach(state -> all.merge(copy(state)));
        return all;
    }

    private static List<TaskState> partition(Random random, StatisticsKind kind) {
        List<List<Integer>> dealt = new ArrayList<>();
        int tasks = 1 + random.nextInt(6);
        for (int i = 0; i < tasks; i++) {
            dealt.add(new ArrayList<>());
        }
        for (int sample = 0; sample < SAMPLES; sample++) {
            dealt.get(random.nextInt(tasks)).add(sample);
        }
        dealt.forEach(samples -> Collections.shuffle(samples, random));
        return dealt.stream().map(samples -> task(samples, kind)).toList();
    }

    /** Statistics of slots with two geometries are left out: they depend on the split and are only for the error. */
    private static byte[] statistics(TaskState state) {
        Map<Slot, SlotStatistics> slots = new TreeMap<>(state.statistics().slots());
        slots.keySet().removeIf(slot -> state.geometries().get(slot).conflict(slot) != null);
        return new CalibrationStatistics(state.statistics().corpus(), slots).toByteArray();
    }

    private static void assertSame(TaskState actual, TaskState expected) {
        assertThat(statistics(actual)).isEqualTo(statistics(expected));
        assertThat(actual.geometries()).isEqualTo(expected.geometries());
        assertThat(actual.problem()).isEqualTo(expected.problem());
        assertThat(actual.tally()).isEqualTo(expected.tally());
        assertThat(actual.suspicion()).isEqualTo(expected.suspicion());
        assertThat(actual.copies()).isEqualTo(expected.copies());
        assertThat(actual.tokenSums()).isEqualTo(expected.tokenSums());
        assertThat(actual.rotations().samples()).isEqualTo(expected.rotations().samples());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theStateDoesNotDependOnHowTheCorpusWasSplit(boolean histograms) {
        StatisticsKind kind = histograms ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        TaskState whole = task(IntStream.range(0, SAMPLES).boxed().toList(), kind);
        assertThat(Objects.requireNonNull(whole.problem()).sample()).isEqualTo(Sample.named("s10"));
        Random random = new Random(5);
        for (int round = 0; round < 30; round++) {
            List<TaskState> states = new ArrayList<>(partition(random, kind));
            assertSame(merged(states), whole);
            Collections.shuffle(states, random);
            assertSame(merged(states), whole);
        }
    }

    @Test
    void mergingIsAssociative() {
        Random random = new Random(9);
        for (int round = 0; round < 20; round++) {
            List<TaskState> states = partition(random, StatisticsKind.RANGE);
            int cut = random.nextInt(states.size() + 1);
            TaskState left = merged(states.subList(0, cut));
            left.merge(merged(states.subList(cut, states.size())));
            assertSame(left, merged(states));
        }
    }

    @Test
    void theEmptyStateIsTheIdentity() {
        assertThat(new TaskState().isEmpty()).isTrue();
        assertThat(copy(new TaskState()).isEmpty()).isTrue();
        TaskState some = task(List.of(1, 2, 3, 4), StatisticsKind.HISTOGRAM);
        assertThat(some.isEmpty()).isFalse();
        TaskState left = new TaskState();
        left.merge(copy(some));
        assertSame(left, some);
        TaskState right = copy(some);
        right.merge(new TaskState());
        assertSame(right, some);
        assertThat(TaskState.of(DataProblem.of("x", "")).isEmpty()).isFalse();
        assertThat(TaskState.of(Corpus.EMPTY.withFile(), Tally.NONE).isEmpty()).isFalse();
    }

    @Test
    void theStateReadsBackFromItsBytes() {
        TaskState some = task(List.of(3, 4, 9, 1), StatisticsKind.HISTOGRAM);
        assertSame(copy(some), some);
        assertThat(TaskState.fromByteArray(some.toByteArray()).toByteArray()).isEqualTo(some.toByteArray());
    }

    @Test
    void eachPartHasOneSlotAndMergedPartsEqualTheState() {
        TaskState some = task(List.of(3, 4, 9, 1, 2), StatisticsKind.RANGE);
        assertThat(some.parts()).containsOnlyKeys(-1, 0, 3, 6, 22);
        some.parts().forEach((key, part) -> assertThat(part.geometries()).hasSize(key < 0 ? 0 : 1));
        List<TaskState> parts = new ArrayList<>(some.parts().values());
        Collections.shuffle(parts, new Random(2));
        assertSame(merged(parts), some);
    }

    @Test
    void geometriesThatConflictAreAProblemOfTheMergedState() {
        TaskState one = task(List.of(0), StatisticsKind.RANGE);
        @Nullable DataProblem alone = task(List.of(4), StatisticsKind.RANGE).problem();
        assertThat(alone).isNull();
        one.merge(task(List.of(4), StatisticsKind.RANGE));
        assertThat(Objects.requireNonNull(one.problem()).message())
                .contains("BF16, 4 heads, head_dim 2 here, but BF16, 2 heads, head_dim 4 in s0.safetensors")
                .contains("file s4.safetensors, layer 7 value, sample s4");
    }
}
