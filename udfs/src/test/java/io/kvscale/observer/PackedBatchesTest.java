package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Batches of many files are small in memory and between tasks, and damaged bytes of them are refused. */
class PackedBatchesTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 1, 2);
    private static final int FILES = 20_000;
    private static final int SLOTS = 16;

    private static CalibrationStatistics statistics(List<Integer> files) {
        Map<Slot, SlotStatistics> slots = new TreeMap<>();
        for (int slot = 0; slot < SLOTS; slot++) {
            SlotStatistics statistics = new SlotStatistics(GEOMETRY, new BatchPolicy(2, false), null);
            for (int file : files) {
                String name = "part-" + file / 1000 + "/sample-" + file + ".safetensors";
                KvSource source = new KvSource(name, 1000 + 4 * slot, name, GEOMETRY, 1, 1, false, null);
                ByteBuffer values = ByteBuffer.allocate(4).order(java.nio.ByteOrder.LITTLE_ENDIAN);
                values.putShort((short) Dtype.BF16.fromFloat(-file)).putShort((short) Dtype.BF16.fromFloat(slot));
                statistics.update(new Position(source, 0), values.flip());
            }
            slots.put(new Slot(slot / 2, slot % 2 == 0 ? Role.KEY : Role.VALUE), statistics);
        }
        return new CalibrationStatistics(Corpus.EMPTY, slots);
    }

    private static List<Integer> shuffled(int from, int to) {
        List<Integer> files = new ArrayList<>();
        for (int file = from; file < to; file++) {
            files.add(file);
        }
        Collections.shuffle(files, new Random(1));
        return files;
    }

    @Test
    void aBatchTakesSixBytesBetweenTasksAndTheNameOfItsFileOnce() {
        CalibrationStatistics whole = statistics(shuffled(0, FILES));
        byte[] sent = whole.toTaskBytes();
        assertThat(sent.length).isLessThan(FILES * (40 + 7 * SLOTS));
        assertThat(whole.toByteArray().length).isGreaterThan(FILES * 44 * SLOTS);
        assertThat(CalibrationStatistics.ofTaskBytes(sent).toByteArray()).isEqualTo(whole.toByteArray());
    }

    @Test
    void theOrderInWhichFilesComeDoesNotCount() {
        CalibrationStatistics merged = statistics(shuffled(700, 1000));
        merged.merge(statistics(shuffled(0, 400)));
        merged.merge(statistics(shuffled(300, 750)));
        List<Integer> inOrder = new ArrayList<>(shuffled(0, 1000));
        Collections.sort(inOrder);
        // Batches that were given twice have the same ranges; only the counts differ.
        CalibrationStatistics whole = statistics(inOrder);
        merged.slots().forEach((slot, seen) -> {
            List<Range[]> expected = whole.slots().get(slot).batches().toList();
            assertThat(seen.batches().toList()).usingRecursiveComparison().isEqualTo(expected);
        });
    }

    @Test
    void filesOfOtherTasksAreNotAStatisticsFile() {
        byte[] sent = statistics(List.of(1, 2)).toTaskBytes();
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(sent))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("packed");
    }

    @Test
    void aBatchOfAFileThatIsNotNamedIsRefused() {
        byte[] sent = statistics(List.of(1, 2, 3)).toTaskBytes();
        int refused = 0;
        for (int at = 12; at < sent.length - StatisticsFormat.CHECKSUM_BYTES; at++) {
            byte[] damaged = sent.clone();
            damaged[at] ^= 0x55;
            int body = damaged.length - StatisticsFormat.CHECKSUM_BYTES;
            System.arraycopy(
                    StatisticsFormat.checksum(damaged, body), 0, damaged, body, StatisticsFormat.CHECKSUM_BYTES);
            try {
                CalibrationStatistics.ofTaskBytes(damaged).toByteArray();
            } catch (InvalidDataException e) {
                refused++; // and no other exception
            }
        }
        assertThat(refused).isGreaterThan(100);
    }
}
