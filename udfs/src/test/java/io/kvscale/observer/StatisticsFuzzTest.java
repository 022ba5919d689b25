package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Mutated statistics files, most with a valid checksum, so that they reach the parser. */
class StatisticsFuzzTest {
    private static final int CASES = 30_000;
    private static final int CHECKSUM = 32;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void mutantsAreRefusedOrWrittenBackByteForByteWithinBoundedMemory() {
        Random random = new Random(20_260);
        List<byte[]> seeds = seeds();
        seeds.forEach(CalibrationStatistics::fromByteArray);
        int accepted = 0;
        long start = System.nanoTime();
        for (int i = 0; i < CASES; i++) {
            byte[] bytes = mutant(random, seeds);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            long allocated = 0;
            try {
                CalibrationStatistics read = CalibrationStatistics.fromByteArray(bytes);
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                accepted++;
                assertThat(read.toByteArray()).as("case %d", i).isEqualTo(bytes);
                read.slots().values().forEach(StatisticsFuzzTest::ask);
            } catch (InvalidDataException e) {
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                assertThat(e.problem().what()).isNotBlank();
                assertThat(e.problem().message().lines().count()).isLessThanOrEqualTo(3);
            }
            assertThat(allocated)
                    .as("bytes allocated for a file of %d, case %d", bytes.length, i)
                    .isLessThan(500_000 + 30L * bytes.length);
        }
        // Without this check, refusing everything would pass.
        assertThat(accepted).isBetween(CASES / 100, CASES / 2);
        assertThat(System.nanoTime() - start).isLessThan(120_000_000_000L);
    }

    private static void ask(SlotStatistics slot) {
        slot.ranges(slot.geometry().channels());
        Range[] envelope = slot.envelope(slot.geometry().channels());
        assertThat(envelope == null || envelope[0].isEmpty() == slot.isEmpty()).isTrue();
        ValueCounts counts = slot.histogram(0, slot.geometry().heads());
        assertThat(counts == null || Arrays.stream(counts.counts()).sum() == slot.finite())
                .isTrue();
        slot.batches().forEach(batch -> assertThat(batch).isNotEmpty());
        assertThat(slot.min() <= slot.max()).isEqualTo(!slot.isEmpty());
    }

    private static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        for (String golden : List.of(
                "v1/empty.kvstats",
                "v1/minmax.kvstats",
                "v1/batches.kvstats",
                "v2/histograms.kvstats",
                "v4/pairs.kvstats")) {
            seeds.add(StatisticsFileTest.golden(golden));
        }
        for (Dtype dtype : Dtype.values()) {
            SeededCorpus corpus = new SeededCorpus(17, dtype);
            SlotStatistics slot =
                    corpus.empty(new BatchPolicy(1, false), StatisticsKind.HISTOGRAM.with(corpus.pairs()));
            corpus.heads().forEach(piece -> piece.into(slot));
            seeds.add(new CalibrationStatistics(Corpus.EMPTY.withFile(), Map.of(new Slot(2, Role.KEY), slot))
                    .toByteArray());
        }
        return seeds;
    }

    private static byte[] mutant(Random random, List<byte[]> seeds) {
        byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            bytes = mutated(random, bytes, seeds);
        }
        return bytes.length >= CHECKSUM && random.nextInt(20) > 0 ? sealed(bytes) : bytes;
    }

    private static byte[] mutated(Random random, byte[] bytes, List<byte[]> seeds) {
        int at = random.nextInt(bytes.length + 1);
        long[] numbers = {0, 1, 2, 0xff, 0x7fffffffL, 0xffffffffL, Long.MAX_VALUE, -1, random.nextLong(), bytes.length};
        long number = numbers[random.nextInt(numbers.length)];
        switch (random.nextInt(7)) {
            case 0 -> {
                if (at < bytes.length) {
                    bytes[at] ^= (byte) (1 << random.nextInt(8));
                }
                return bytes;
            }
            case 1, 2 -> {
                return overwritten(bytes, at, 1 << random.nextInt(4), number);
            }
            case 3 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 4 -> {
                int to = Math.min(bytes.length, at + random.nextInt(20));
                return joined(bytes, at, bytes, to);
            }
            case 5 -> {
                byte[] other = seeds.get(random.nextInt(seeds.size()));
                return joined(bytes, at, other, random.nextInt(other.length));
            }
            default -> {
                // Duplicate a piece of the file.
                int from = random.nextInt(bytes.length + 1);
                return joined(bytes, Math.max(from, at), bytes, Math.min(from, at));
            }
        }
    }

    private static byte[] overwritten(byte[] bytes, int at, int width, long number) {
        byte[] field = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
        System.arraycopy(field, 0, bytes, at, Math.min(width, bytes.length - at));
        return bytes;
    }

    private static byte[] joined(byte[] head, int to, byte[] tail, int from) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(head, 0, to);
        out.write(tail, from, tail.length - from);
        return out.size() == 0 ? new byte[1] : out.toByteArray();
    }

    /** The file with a valid checksum. */
    static byte[] sealed(byte[] bytes) {
        byte[] sealed = bytes.clone();
        int body = bytes.length - CHECKSUM;
        System.arraycopy(StatisticsFormat.checksum(bytes, body), 0, sealed, body, CHECKSUM);
        return sealed;
    }
}
