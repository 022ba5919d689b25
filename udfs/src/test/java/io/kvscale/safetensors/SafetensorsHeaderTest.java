package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsHeaderTest {
    private static final String TWO = "{\"__metadata__\":{\"kv_heads\":\"3\",\"head_dim\":\"64\"},"
            + "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[3,15]},"
            + "\"a\":{\"data_offsets\":[0,3],\"shape\":[3],\"dtype\":\"U8\"}}";

    @Test
    void givesTensorsInTheOrderOfTheirBytesWithOffsetsInTheFile() {
        SafetensorsHeader header = TestFile.read(TestFile.of(TWO, 15));

        long start = 8 + TWO.length();
        assertThat(header.dataStart()).isEqualTo(start);
        assertThat(header.tensors())
                .containsExactly(
                        new TensorEntry("a", "U8", List.of(3L), start, start + 3),
                        new TensorEntry("b", "F16", List.of(2L, 3L), start + 3, start + 15));
        assertThat(header.tensors().get(1).bytes()).isEqualTo(12);
        assertThat(header.tensorCount()).isEqualTo(2);
        assertThat(header.someNames()).isEmpty();
        assertThat(header.metadata()).containsExactly(Map.entry("kv_heads", "3"), Map.entry("head_dim", "64"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    void readsHeadersWithAnyPaddingAndNoFurther(int padding) throws IOException {
        byte[] file = TestFile.of(TWO + " ".repeat(padding), 15);
        ByteArrayInputStream in = new ByteArrayInputStream(file);

        SafetensorsHeader header = SafetensorsHeader.read(in, file.length, name -> true);

        assertThat(in.available()).isEqualTo(15);
        assertThat(header.dataStart()).isEqualTo(file.length - 15L);
        assertThat(header.tensors().get(1).end()).isEqualTo(file.length);
    }

    @Test
    void countsAndNamesUnwantedTensors() {
        String json = IntStream.range(0, 20)
                .mapToObj(i ->
                        "\"t" + i + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" + i + "," + (i + 1) + "]}")
                .collect(Collectors.joining(",", "{", "}"));

        SafetensorsHeader header = TestFile.read(TestFile.of(json, 20), name -> name.equals("t7"));

        assertThat(header.tensors()).extracting(TensorEntry::name).containsExactly("t7");
        assertThat(header.tensorCount()).isEqualTo(20);
        assertThat(header.someNames()).containsExactly("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"__metadata__\":{}}", "{}      "})
    void acceptsAFileWithoutTensors(String json) {
        assertThat(TestFile.read(TestFile.of(json, 0)).tensors()).isEmpty();
    }

    @Test
    void acceptsScalarsAndEmptyTensorsAtSeams() {
        String json = "{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                + "\"e4\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
                + "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
                + "\"d4\":{\"dtype\":\"I64\",\"shape\":[3,0],\"data_offsets\":[4,4]},"
                + "\"e8\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]},"
                + "\"e0\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}";

        assertThat(TestFile.read(TestFile.of(json, 8)).tensors())
                .extracting(TensorEntry::name)
                .containsExactly("e0", "s", "d4", "e4", "t", "e8");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BOOL 8",
                "U8 8",
                "I8 8",
                "F8_E4M3 8",
                "F8_E5M2 8",
                "F8_E8M0 8",
                "I16 16",
                "U16 16",
                "F16 16",
                "BF16 16",
                "I32 32",
                "U32 32",
                "F32 32",
                "I64 64",
                "U64 64",
                "F64 64",
                "C64 64",
                "F4 4",
                "F6_E2M3 6",
                "F6_E3M2 6"
            })
    void knowsTheDtypesOfTheFormat(String dtypeAndBits) {
        String dtype = dtypeAndBits.split(" ")[0];
        int bytes = Integer.parseInt(dtypeAndBits.split(" ")[1]) * 4 / 8;
        String json = "{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":[2,2],\"data_offsets\":[0," + bytes + "]}}";

        assertThat(TestFile.read(TestFile.of(json, bytes)).tensors().get(0).dtype())
                .isEqualTo(dtype);
        assertThat(TestFile.refused(TestFile.of(json.replace("[2,2]", "[2,3]"), bytes))
                        .what())
                .contains("bits of data for " + dtype + " of shape [2, 3]");
    }

    @Test
    void unescapesNames() {
        String json = "{\"\\u006c\\u00e9\\ud83d\\ude00\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";

        assertThat(TestFile.read(TestFile.of(json, 1)).tensors().get(0).name()).isEqualTo("l\u00e9\ud83d\ude00");
    }

    @Test
    void keepsShortMetadataOnly() {
        String many = IntStream.range(0, 100)
                .mapToObj(i -> "\"key" + i + "\":\"" + i + "\"")
                .collect(Collectors.joining(","));
        String json = "{\"__metadata__\":{\"long\":\"" + "x".repeat(3_900_000) + "\",\"longer\":\"" + "x".repeat(257)
                + "\",\"" + "k".repeat(257) + "\":\"v\",\"fits\":\"" + "y".repeat(256) + "\"," + many + "}}";

        Map<String, String> metadata = TestFile.read(TestFile.of(json, 0)).metadata();

        assertThat(metadata)
                .hasSize(64)
                .containsKeys("fits", "key0", "key62")
                .doesNotContainKeys("long", "longer", "key63");
    }

    @Test
    void passesOtherReadFailuresOn() {
        byte[] file = TestFile.of(TWO, 15);
        FilterInputStream failing = new FilterInputStream(new ByteArrayInputStream(file)) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                if (in.available() < file.length - 8) {
                    throw new IOException("disk on fire");
                }
                return super.read(to, offset, Math.min(length, 20));
            }
        };

        assertThatThrownBy(() -> SafetensorsHeader.read(failing, file.length, name -> true))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("disk on fire");
    }

    @Test
    void readsFromAStreamThatGivesOneByteAtATime() throws IOException {
        byte[] file = TestFile.of(TWO, 15);
        FilterInputStream slow = new FilterInputStream(new ByteArrayInputStream(file)) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                return super.read(to, offset, Math.min(length, 1));
            }
        };

        assertThat(SafetensorsHeader.read(slow, file.length, name -> true)).isEqualTo(TestFile.read(file));
    }
}
