package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Impossible histograms in files that are otherwise sound, checksum included. Each file has one BF16 slot with two heads:
 * head 0 holds values from -1 to 2, head 1 holds none.
 */
class DamagedHistogramsTest {
    private static final long MINUS_ONE = 0xffff - 0xbf80;
    private static final long ZERO = 0x8000;
    private static final long ONE = ZERO + 0x3f80;
    private static final long TWO = ZERO + 0x4000;
    private static final long INFINITY = ZERO + 0x7f80;
    private static final byte[] NONE = {};

    /** The values -1 once, 0 four times, 2 five times. */
    private static final byte[] SOUND = varints(MINUS_ONE, 0, ZERO - MINUS_ONE - 1, 3, TWO - ZERO - 1, 4);

    @Test
    void aSoundHistogramIsRead() {
        SlotStatistics slot = slot(file(10, heads(SOUND, NONE)));
        ValueCounts counts = Objects.requireNonNull(slot.histogram(0, 2));
        assertThat(counts.values()).containsExactly(-1, 0, 2);
        assertThat(counts.counts()).containsExactly(1, 4, 5);
    }

    @Test
    void countsMustAddUpToTheFiniteValues() {
        refused(file(9, heads(SOUND, NONE)), "the histograms count more values than the slot has");
        refused(file(11, heads(SOUND, NONE)), "the histograms lack 1 finite values of the slot");
        refused(
                file(Long.MAX_VALUE, heads(varints(MINUS_ONE, Long.MAX_VALUE - 1, TWO - MINUS_ONE - 1, 0), NONE)),
                "the histograms count more values than the slot has");
        refused(
                file(10, heads(varints(MINUS_ONE, Long.MAX_VALUE, TWO - MINUS_ONE - 1, 0), NONE)),
                "a count of a histogram exceeds 9223372036854775807");
    }

    @Test
    void theFirstAndLastPatternMustBeTheEndsOfTheRange() {
        refused(file(9, heads(varints(ZERO, 3, TWO - ZERO - 1, 4), NONE)), "does not end where its range does");
        refused(
                file(5, heads(varints(MINUS_ONE, 0, ZERO - MINUS_ONE - 1, 3), NONE)),
                "does not end where its range does");
        refused(
                file(10, heads(varints(MINUS_ONE, 4, ONE - MINUS_ONE - 1, 4), NONE)),
                "the histogram of head 0 does not end where its range does");
        refused(file(0, heads(NONE, NONE)), "the ranges do not fit a count of 0 finite values");
        refused(file(10, heads(NONE, SOUND)), "the histogram of head 0 does not fit its range");
        refused(file(20, heads(SOUND, SOUND)), "the histogram of head 1 does not fit its range");
    }

    @Test
    void aPatternThatIsNotFiniteIsRefused() {
        refused(
                file(10, heads(varints(MINUS_ONE, 4, INFINITY - MINUS_ONE - 1, 4), NONE)),
                "does not end where its range does");
        refused(file(10, heads(varints(0, 4, TWO - 1, 4), NONE)), "does not end where its range does");
    }

    @Test
    void ranksMustBeWithin16Bits() {
        refused(file(10, heads(varints(0x10000, 9), NONE)), "a histogram counts a pattern of more than 16 bits");
        refused(file(10, heads(varints(MINUS_ONE, 4, 0xffff - MINUS_ONE, 4), NONE)), "more than 16 bits");
        refused(file(10, heads(varints(MINUS_ONE, 4, Long.MAX_VALUE, 4), NONE)), "more than 16 bits");
    }

    @Test
    void varintsAreCompleteMinimalAndWithin63Bits() {
        byte[] long10 = new byte[10];
        Arrays.fill(long10, (byte) 0x80);
        long10[9] = 1;
        refused(file(10, heads(long10, NONE)), "a varint has more than 63 bits");
        byte[] long1000 = new byte[1000];
        Arrays.fill(long1000, (byte) 0xff);
        refused(file(10, heads(long1000, NONE)), "a varint has more than 63 bits");
        for (byte[] longer : new byte[][] {{(byte) 0x80, 0, 9}, {(byte) 0xff, (byte) 0x80, 0, 9}}) {
            refused(file(10, heads(longer, NONE)), "a varint takes more bytes than it needs");
        }
        for (int length = 1; length < SOUND.length; length++) {
            refused(file(10, heads(Arrays.copyOf(SOUND, length), NONE)), "");
        }
        refused(file(10, heads(Arrays.copyOf(SOUND, SOUND.length - 1), NONE)), "a histogram is cut short");
    }

    @Test
    void headsAndSlotIndicesMatchTheSlotsSection() {
        refused(file(10, heads(SOUND)), "cut short: 4 bytes expected, 0 left");
        refused(file(10, heads(SOUND, NONE, NONE)), "4 bytes too many");
        refused(file(10, joined(u32(0))), "section 'histograms' holds no slot");
        refused(
                file(10, joined(u32(1), u32(1), u32(0), u32(0))),
                "section 'histograms' holds slot index 1, expected above -1 and below 1");
        refused(file(10, joined(u32(1), u32(-1), u32(0), u32(0))), "section 'histograms' holds slot index -1");
        refused(
                file(10, joined(u32(2), body(SOUND, NONE), body(SOUND, NONE))),
                "section 'histograms' holds slot index 0, expected above 0 and below 1");
    }

    @Test
    void aLengthBeyondTheSectionIsRefusedBeforeAllocation() {
        for (int length : new int[] {5, 1 << 20, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
            refused(file(10, joined(u32(1), u32(0), u32(length), u32(0))), "a count needs more than the 4 bytes");
            refused(file(10, joined(u32(Math.max(length, 2)), u32(0), u32(0), u32(0))), "");
        }
    }

    @Test
    void countsWhoseSumExceeds63BitsAreAnError() {
        long most = Long.MAX_VALUE;
        byte[] one = file(most, heads(varints(MINUS_ONE, most - 3, TWO - MINUS_ONE - 1, 1), NONE));
        SlotStatistics full = slot(one);
        assertThat(full.finite()).isEqualTo(most);
        assertThat(Objects.requireNonNull(full.histogram(0, 1)).counts()).containsExactly(most - 2, 2);
        assertThatThrownBy(() -> full.merge(slot(one))).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> slot(file(10, heads(SOUND, NONE))).merge(slot(one)))
                .isInstanceOf(ArithmeticException.class);
        SeededCorpus.Piece more = new SeededCorpus.Piece(
                new Position(new KvSource("f", 0, "s", full.geometry(), 1, 1, false, null), 0), ByteBuffer.allocate(4));
        assertThatThrownBy(() -> more.into(slot(one))).isInstanceOf(ArithmeticException.class);
        // The largest possible sum.
        SlotStatistics nearly =
                slot(file(most - 10, heads(varints(MINUS_ONE, most - 13, TWO - MINUS_ONE - 1, 1), NONE)));
        nearly.merge(slot(file(10, heads(SOUND, NONE))));
        SlotStatistics sum = slot(SeededCorpus.of(new Slot(0, Role.KEY), nearly).toByteArray());
        assertThat(Objects.requireNonNull(sum.histogram(0, 1)).counts()).containsExactly(most - 11, 4, 7);
    }

    @Test
    void everyAcceptedFileIsWrittenBackByteForByte() {
        Random random = new Random(11);
        long[] gaps = {MINUS_ONE, ZERO - MINUS_ONE - 1, TWO - ZERO - 1, TWO - MINUS_ONE - 1, 0, 1, 0xffff, -1};
        int accepted = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] head = NONE;
            long sum = 0;
            for (int n = random.nextInt(4); n >= 0; n--) {
                long gap = head.length == 0 && random.nextInt(4) > 0 ? MINUS_ONE : gaps[random.nextInt(gaps.length)];
                long less = random.nextInt(20) == 0 ? random.nextLong() : random.nextInt(4);
                head = joined(head, varints(gap, less));
                sum += less + 1;
            }
            if (random.nextInt(8) == 0) {
                head[random.nextInt(head.length)] ^= (byte) (1 << random.nextInt(8));
            }
            byte[] file = file(random.nextInt(4) == 0 ? random.nextInt(10) : sum, heads(head, NONE));
            try {
                CalibrationStatistics read = CalibrationStatistics.fromByteArray(file);
                assertThat(read.toByteArray()).isEqualTo(file);
                accepted++;
            } catch (InvalidDataException e) {
                assertThat(e.getMessage()).startsWith("damaged statistics: ");
            }
        }
        assertThat(accepted).isBetween(100, 10_000);
    }

    private static SlotStatistics slot(byte[] file) {
        return Objects.requireNonNull(
                CalibrationStatistics.fromByteArray(file).slots().get(new Slot(0, Role.KEY)));
    }

    private static void refused(byte[] file, String word) {
        assertThatThrownBy(() -> CalibrationStatistics.fromByteArray(file))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("damaged statistics: ")
                .hasMessageContaining(word)
                .hasMessageContaining("take an undamaged copy");
    }

    /** A histograms section with slot 0 only. */
    private static byte[] heads(byte[]... heads) {
        return joined(u32(1), body(heads));
    }

    private static byte[] body(byte[]... heads) {
        byte[] body = u32(0);
        for (byte[] head : heads) {
            body = joined(body, u32(head.length), head);
        }
        return body;
    }

    /** A file, built from the format description, with one BF16 slot of two heads and one channel. */
    private static byte[] file(long finite, byte[] histograms) {
        byte[] none = {0, 0, 0, 0};
        byte[] slots = joined(
                u32(1),
                new byte[] {0, 0, 0, (byte) StatisticsFormat.id(Dtype.BF16)},
                u32(2),
                u32(1),
                u64(finite),
                new byte[32],
                none);
        byte[] ranges = {(byte) 0x80, (byte) 0xbf, (byte) 0x80, 0x7f, 0, 0x40, (byte) 0x80, (byte) 0xff};
        return StatisticsFuzzTest.sealed(joined(
                "KVSTATS\n".getBytes(StandardCharsets.US_ASCII),
                new byte[] {2, 0, 4, 0},
                section("corpus", 1, new byte[40]),
                section("slots", 1, slots),
                section("ranges", 1, ranges),
                section("histograms", 2, histograms),
                new byte[32]));
    }

    private static byte[] section(String name, int since, byte[] payload) {
        return joined(
                new byte[] {(byte) name.length()},
                name.getBytes(StandardCharsets.US_ASCII),
                new byte[] {(byte) since, 0},
                u64(payload.length),
                payload);
    }

    private static byte[] varints(long... numbers) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (long number : numbers) {
            long left = number;
            for (; left > 127; left >>>= 7) {
                out.write((int) (left % 128) + 128);
            }
            out.write((int) left);
        }
        return out.toByteArray();
    }

    private static byte[] u32(int number) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }

    private static byte[] u64(long number) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Arrays.stream(parts).forEach(out::writeBytes);
        return out.toByteArray();
    }
}
