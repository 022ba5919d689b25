package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mutated headers are read or refused, in bounded time and memory; the tensors that are read follow the format. */
class HeaderFuzzTest {
    private static final int ROUNDS = 30_000;
    /** Far above the need of a header of some hundred bytes, far below the sizes that its numbers may claim. */
    private static final long MAX_ALLOCATED = 2 << 20;

    private static final String[] NUMBERS = {
        "0",
        "1",
        "-1",
        "7",
        "255",
        "256",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e9",
        "1.5",
        "-0",
        "null",
        "\"1\"",
        "[]",
        "999999999999999999999999999999"
    };
    private static final String[] TOKENS = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "\"dtype\"",
        "\"shape\"",
        "\"data_offsets\"",
        "\"__metadata__\":{},",
        "\"U8\"",
        "null",
        "\0",
        "\n",
        " ",
        "\u00e9"
    };

    private final Random random = new Random(20260101);

    @Test
    @Timeout(60)
    void everyMutantIsReadOrRefused() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        List<byte[]> seeds = seeds();
        for (byte[] seed : seeds) {
            // Loads the classes, so that the test does not count their memory.
            check(TestFile.read(seed), seed.length);
            TestFile.refused(Arrays.copyOf(seed, 9));
        }
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] file = seeds.get(random.nextInt(seeds.size()));
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                file = mutated(file);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                check(TestFile.read(file), file.length);
            } catch (InvalidDataException e) {
                refused++;
                assertThat(e.problem().what()).startsWith("expected ").hasSizeLessThan(1_000);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("round " + round + ": " + Arrays.toString(file), e);
            }
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .as("round %d", round)
                    .isLessThan(MAX_ALLOCATED);
        }
        assertThat(refused).isBetween(ROUNDS / 2, ROUNDS - ROUNDS / 1000);
    }

    private static void check(SafetensorsHeader header, long fileLength) {
        long at = header.dataStart();
        Set<String> names = new HashSet<>();
        for (TensorEntry tensor : header.tensors()) {
            assertThat(tensor.begin()).isEqualTo(at);
            assertThat(names.add(tensor.name())).isTrue();
            long bits = ElementType.valueOf(tensor.dtype()).bits(tensor.shape());
            assertThat(bits).isEqualTo(8 * tensor.bytes());
            at = tensor.end();
        }
        assertThat(at).isEqualTo(fileLength);
        assertThat(header.tensorCount()).isEqualTo(header.tensors().size());
    }

    private static List<byte[]> seeds() throws IOException {
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        SafetensorsWriter writer =
                new SafetensorsWriter().metadata("kv_heads", "1").metadata("text", "one two");
        for (int layer = 0; layer < 3; layer++) {
            writer.add("layers." + layer + ".keys", "BF16", List.of(1L, 1L, 2L, 4L), new byte[16]);
            writer.add("layers." + layer + ".values", "F32", List.of(2L, 1L, 3L), new byte[24]);
        }
        writer.add("empty", "I64", List.of(0L), new byte[0]).writeTo(many);
        return List.of(
                many.toByteArray(),
                TestFile.of("{\"t\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}", 9),
                TestFile.of("{} ", 0));
    }

    private byte[] mutated(byte[] file) {
        int headerEnd = Math.max(9, (int) Math.min(file.length, 8 + headerLength(file)));
        int at = Math.min(file.length, 8 + random.nextInt(Math.max(1, headerEnd - 8)));
        return switch (random.nextInt(9)) {
            case 0 -> {
                byte[] copy = file.clone();
                if (copy.length > 0) {
                    copy[random.nextInt(copy.length)] ^= (byte) (1 << random.nextInt(8));
                }
                yield copy;
            }
            case 1 -> Arrays.copyOf(file, random.nextInt(file.length + 1));
            case 2 ->
                withLength(
                        file, random.nextBoolean() ? random.nextLong() : headerLength(file) + random.nextInt(17) - 8);
            case 3 -> spliced(file, at, at, TOKENS[random.nextInt(TOKENS.length)]);
            case 4 -> spliced(file, at, Math.min(file.length, at + 1 + random.nextInt(12)), "");
            case 5, 6 -> {
                int digit = at;
                while (digit < headerEnd && digit < file.length && (file[digit] < '0' || file[digit] > '9')) {
                    digit++;
                }
                int end = digit;
                while (end < headerEnd && end < file.length && file[end] >= '0' && file[end] <= '9') {
                    end++;
                }
                yield spliced(file, digit, end, NUMBERS[random.nextInt(NUMBERS.length)]);
            }
            case 7 -> {
                int end = Math.min(file.length, at + 1 + random.nextInt(80));
                yield spliced(file, at, at, new String(file, at, end - at, StandardCharsets.ISO_8859_1));
            }
            // A space in front of a colon or comma keeps the meaning, so that some mutants are valid.
            default -> {
                int colon = at;
                while (colon < file.length && file[colon] != ':' && file[colon] != ',') {
                    colon++;
                }
                yield spliced(file, colon, colon, " ");
            }
        };
    }

    private static long headerLength(byte[] file) {
        return file.length < 8
                ? 0
                : ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong() & Integer.MAX_VALUE;
    }

    private static byte[] withLength(byte[] file, long length) {
        byte[] copy = file.clone();
        if (copy.length >= 8) {
            ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
        }
        return copy;
    }

    /** Replaces a piece of the header, and corrects the length so that the mutant passes the first check. */
    private static byte[] spliced(byte[] file, int from, int to, String text) {
        byte[] insert = text.getBytes(StandardCharsets.ISO_8859_1);
        byte[] out = new byte[file.length - (to - from) + insert.length];
        System.arraycopy(file, 0, out, 0, from);
        System.arraycopy(insert, 0, out, from, insert.length);
        System.arraycopy(file, to, out, from + insert.length, file.length - to);
        return withLength(out, headerLength(file) + out.length - file.length);
    }
}
