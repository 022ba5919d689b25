package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsWriterTest {
    private static byte[] written(SafetensorsWriter writer) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(writer.writeTo(out)).isEqualTo(out.size());
        return out.toByteArray();
    }

    @Test
    void writesTheExpectedBytes() throws IOException {
        byte[] file = written(new SafetensorsWriter()
                .metadata("format", "pt")
                .add("b", "U8", List.of(3L), new byte[] {1, 2, 3})
                .add("a", "I16", List.of(1L, 1L), new byte[] {4, 5}));

        String json = "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                + "\"a\":{\"dtype\":\"I16\",\"shape\":[1,1],\"data_offsets\":[3,5]}}";
        byte[] expected = TestFile.of(json + " ".repeat((8 - json.length() % 8) % 8), 5);
        System.arraycopy(new byte[] {1, 2, 3, 4, 5}, 0, expected, expected.length - 5, 5);
        assertThat(file).isEqualTo(expected);
    }

    @Test
    void readsBackWhatItWrote() throws IOException {
        String escaped = "quote\" back\\ \n\u0000 \u00e9\ud83d\ude00";
        byte[] file = written(new SafetensorsWriter()
                .metadata("kv_heads", "3")
                .metadata(escaped, escaped)
                .add(escaped, "BF16", List.of(2L, 3L), new byte[12])
                .add("empty", "F32", List.of(0L, 5L), new byte[0])
                .add("scalar", "F64", List.of(), new byte[] {1, 2, 3, 4, 5, 6, 7, 8})
                .add("", "F4", List.of(2L), new byte[1]));

        SafetensorsHeader header = TestFile.read(file);

        long start = header.dataStart();
        assertThat(start % 8).isZero();
        assertThat(header.metadata()).containsExactly(Map.entry("kv_heads", "3"), Map.entry(escaped, escaped));
        assertThat(header.tensors())
                .containsExactly(
                        new TensorEntry(escaped, "BF16", List.of(2L, 3L), start, start + 12),
                        new TensorEntry("empty", "F32", List.of(0L, 5L), start + 12, start + 12),
                        new TensorEntry("scalar", "F64", List.of(), start + 12, start + 20),
                        new TensorEntry("", "F4", List.of(2L), start + 20, start + 21));
        assertThat(Arrays.copyOfRange(file, (int) start + 12, (int) start + 20))
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    }

    @Test
    void writesAFileWithoutTensors() throws IOException {
        SafetensorsHeader header = TestFile.read(written(new SafetensorsWriter()));

        assertThat(header.dataStart()).isEqualTo(16);
        assertThat(header.tensors()).isEmpty();
    }

    @Test
    void streamsTensorsThatDoNotFitInMemory() throws IOException {
        long[] count = new long[1];
        OutputStream counting = new OutputStream() {
            @Override
            public void write(int b) {
                count[0]++;
            }

            @Override
            public void write(byte[] from, int offset, int length) {
                count[0] += length;
            }
        };
        byte[] chunk = new byte[1 << 20];
        SafetensorsWriter writer = new SafetensorsWriter().add("t", "F32", List.of(1L << 13, 1L << 18), out -> {
            for (int i = 0; i < 1 << 13; i++) {
                out.write(chunk);
            }
        });

        assertThat(writer.writeTo(counting)).isEqualTo(count[0]).isGreaterThan(1L << 33);
    }

    @ParameterizedTest
    @CsvSource({"3, 'expected 4 bytes, got 3'", "5, 'expected 4 bytes, got at least 5'"})
    void refusesABodyOfTheWrongLength(int length, String message) {
        SafetensorsWriter writer = new SafetensorsWriter()
                .add("t", "F32", List.of(1L), out -> out.write(new byte[length]))
                .add("u", "F32", List.of(1L), new byte[4]);

        assertThatThrownBy(() -> writer.writeTo(new ByteArrayOutputStream()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(message);
    }

    @Test
    void refusesTensorsThatReadersRefuse() {
        SafetensorsWriter writer = new SafetensorsWriter().add("t", "U8", List.of(1L), new byte[1]);
        SafetensorsWriter.Body none = out -> {};

        refused(() -> writer.add("t", "U8", List.of(1L), new byte[1]));
        refused(() -> writer.add("__metadata__", "U8", List.of(1L), none));
        refused(() -> writer.add("\ud800", "U8", List.of(1L), none));
        refused(() -> writer.add("n".repeat(1001), "U8", List.of(1L), none));
        refused(() -> writer.add("a", "float32", List.of(1L), none));
        refused(() -> writer.add("b", "U8", List.of(-1L), none));
        refused(() -> writer.add("c", "U8", List.of(1L, 1L, 1L, 1L, 1L, 1L, 1L, 1L, 1L), none));
        refused(() -> writer.add("d", "U8", List.of(1L << 40, 1L << 40), none));
        refused(() -> writer.add("e", "F4", List.of(1L), none));
        refused(() -> writer.add("f", "F32", List.of(2L), new byte[7]));
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }
}
