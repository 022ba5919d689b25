package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A reader that has seen other files reads, or refuses, each file as one that has seen none. */
class HeaderReaderTest {
    private static final int ROUNDS = 20_000;

    private final Random random = new Random(20261130);

    @Test
    void fileWithOtherNumbersIsReadAsWithoutMemory() throws IOException {
        HeaderReader reader = new HeaderReader();
        for (int tokens : List.of(3, 3, 12, 1, 100, 0, 7)) {
            byte[] file = capture(tokens, "x");
            assertThat(read(reader, file)).isEqualTo(alone(file));
        }
    }

    @Test
    void fileWithOtherNamesOrMetadataIsReadAsWithoutMemory() throws IOException {
        HeaderReader reader = new HeaderReader();
        for (String text : List.of("x", "y", "12", "13", "\\\"", "x")) {
            byte[] file = capture(5, text);
            assertThat(read(reader, file)).isEqualTo(alone(file));
            byte[] renamed = TestFile.of(json(file).replace("layers.1", "layers.9"), dataLength(file));
            assertThat(read(reader, renamed)).isEqualTo(alone(renamed));
        }
    }

    @Test
    void offsetsBeforeTheShapeAreNotTakenForIt() throws IOException {
        String entry = "{\"t\":{\"dtype\":\"U8\",\"data_offsets\":[%d,%d],\"shape\":[%d,%d]}}";
        HeaderReader reader = new HeaderReader();
        byte[] empty = TestFile.of(String.format(entry, 0, 0, 0, 0), 0);
        byte[] eight = TestFile.of(String.format(entry, 0, 8, 2, 4), 8);
        assertThat(read(reader, empty)).isEqualTo(alone(empty));
        assertThat(read(reader, eight)).isEqualTo(alone(eight));
    }

    @Test
    void mutantsAreReadOrRefusedAsWithoutMemory() throws IOException {
        HeaderReader reader = new HeaderReader();
        byte[] seed = capture(11, "1");
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            read(reader, seed);
            byte[] file = mutated(seed);
            Object expected = outcome(() -> alone(file));
            assertThat(outcome(() -> read(reader, file))).as(json(file)).isEqualTo(expected);
            read += expected instanceof SafetensorsHeader ? 1 : 0;
        }
        assertThat(read).isBetween(ROUNDS / 100, ROUNDS * 9 / 10);
    }

    @Test
    void fileThatEndsInItsHeaderIsRefusedAsWithoutMemory() throws IOException {
        HeaderReader reader = new HeaderReader();
        byte[] file = capture(4, "x");
        read(reader, file);
        for (int length = 0; length < file.length; length++) {
            byte[] cut = Arrays.copyOf(file, length);
            assertThat(outcome(() -> reader.read(new ByteArrayInputStream(cut), file.length, name -> true)))
                    .isEqualTo(outcome(
                            () -> SafetensorsHeader.read(new ByteArrayInputStream(cut), file.length, name -> true)));
        }
    }

    @Test
    void wantedTensorsAreAskedForEachFile() throws IOException {
        HeaderReader reader = new HeaderReader();
        byte[] file = capture(4, "x");
        List<Long> counts = new ArrayList<>();
        for (String part : List.of("keys", "values", "layers.1.keys", "none")) {
            SafetensorsHeader header =
                    reader.read(new ByteArrayInputStream(file), file.length, name -> name.contains(part));
            assertThat(header)
                    .isEqualTo(SafetensorsHeader.read(
                            new ByteArrayInputStream(file), file.length, name -> name.contains(part)));
            counts.add((long) header.tensors().size());
        }
        assertThat(counts).containsExactly(2L, 2L, 1L, 0L);
    }

    private interface Reading {
        SafetensorsHeader get() throws IOException;
    }

    /** The header, or the problem. */
    private static Object outcome(Reading reading) throws IOException {
        try {
            return reading.get();
        } catch (InvalidDataException e) {
            return e.problem();
        }
    }

    private static SafetensorsHeader read(HeaderReader reader, byte[] file) throws IOException {
        return reader.read(new ByteArrayInputStream(file), file.length, name -> true);
    }

    private static SafetensorsHeader alone(byte[] file) throws IOException {
        return SafetensorsHeader.read(new ByteArrayInputStream(file), file.length, name -> true);
    }

    private static byte[] capture(int tokens, String text) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("text", text);
        for (int layer = 0; layer < 2; layer++) {
            for (String part : List.of("keys", "values")) {
                byte[] data = new byte[2 * 3 * tokens * 4];
                writer.add("layers." + layer + "." + part, "BF16", List.of(1L, 3L, (long) tokens, 4L), data);
            }
        }
        writer.add("scalar", "I32", List.of(), new byte[4]);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.writeTo(out);
        return out.toByteArray();
    }

    private static int dataLength(byte[] file) {
        return file.length - Long.BYTES - json(file).length();
    }

    private static String json(byte[] file) {
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return new String(
                file, Long.BYTES, Math.max(0, Math.min(length, file.length - 8)), StandardCharsets.ISO_8859_1);
    }

    /** Changes digits, which stays valid now and then, or any byte; sometimes adds or removes one. */
    private byte[] mutated(byte[] seed) {
        StringBuilder json = new StringBuilder(json(seed));
        for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
            int at = random.nextInt(json.length());
            switch (random.nextInt(4)) {
                case 0 -> json.setCharAt(at, (char) random.nextInt(256));
                case 1 -> json.insert(at, random.nextBoolean() ? (char) ('0' + random.nextInt(10)) : ' ');
                case 2 -> json.deleteCharAt(at);
                default -> {
                    int digit = nextDigit(json, at);
                    json.setCharAt(digit, (char) ('0' + random.nextInt(10)));
                }
            }
        }
        byte[] header = json.toString().getBytes(StandardCharsets.ISO_8859_1);
        return TestFile.of(header, dataLength(seed) + (random.nextInt(8) == 0 ? 1 : 0));
    }

    private static int nextDigit(CharSequence json, int from) {
        for (int i = from; i < json.length(); i++) {
            if (Character.isDigit(json.charAt(i))) {
                return i;
            }
        }
        return from;
    }
}
