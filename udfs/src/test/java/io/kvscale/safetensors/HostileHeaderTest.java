package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every violation of the format is refused with the expected and the actual value, and a remedy. */
class HostileHeaderTest {
    private static final String GOOD = "{\"t\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}";
    private static final String META = "{\"__metadata__\":";

    /** One tensor with 8 bytes of data: the error, the entry, and words of the message. */
    static Stream<Arguments> entries() {
        return Stream.of(
                arguments("not an object", "7", "expected an object with dtype, shape and data_offsets, got 7"),
                arguments("null", "null", "got null"),
                arguments("an array", "[1]", "got an array"),
                arguments("no dtype", e("", "[8]", "[0,8]"), "got no dtype"),
                arguments("no shape", e("\"U8\"", "", "[0,8]"), "got no shape"),
                arguments("no data_offsets", e("\"U8\"", "[8]", ""), "got no data_offsets"),
                arguments("empty", "{}", "got no dtype"),
                arguments(
                        "unknown key",
                        "{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8],\"strides\":[1]}",
                        "got the unknown key strides"),
                arguments(
                        "dtype twice",
                        "{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}",
                        "got dtype twice"),
                arguments(
                        "shape twice",
                        "{\"dtype\":\"U8\",\"shape\":[8],\"shape\":[8],\"data_offsets\":[0,8]}",
                        "got shape twice"),
                arguments(
                        "data_offsets twice",
                        "{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8],\"data_offsets\":[0,8]}",
                        "got data_offsets twice"),
                arguments("dtype a number", e("8", "[8]", "[0,8]"), "expected dtype to be a string, got 8"),
                arguments("dtype null", e("null", "[8]", "[0,8]"), "expected dtype to be a string, got null"),
                arguments("unknown dtype", e("\"F80\"", "[8]", "[0,8]"), "got the string \"F80\""),
                arguments("dtype in lower case", e("\"u8\"", "[8]", "[0,8]"), "got the string \"u8\""),
                arguments("shape not an array", e("\"U8\"", "8", "[0,8]"), "expected shape to be an array"),
                arguments("negative dimension", e("\"U8\"", "[-8]", "[0,8]"), "in shape, got -8"),
                arguments("two negative dimensions", e("\"U8\"", "[-2,-4]", "[0,8]"), "in shape, got -2"),
                arguments("minus zero", e("\"U8\"", "[8]", "[-0,8]"), "in data_offsets, got "),
                arguments("dimension a float", e("\"U8\"", "[8.0]", "[0,8]"), "in shape, got 8.0"),
                arguments("dimension with exponent", e("\"U8\"", "[8e0]", "[0,8]"), "in shape, got 8e0"),
                arguments("dimension a string", e("\"U8\"", "[\"8\"]", "[0,8]"), "in shape, got the string \"8\""),
                arguments("dimension nested", e("\"U8\"", "[[8]]", "[0,8]"), "in shape, got an array"),
                arguments("dimension true", e("\"U8\"", "[true]", "[0,8]"), "in shape, got true"),
                arguments("dimension of 2^63", e("\"U8\"", "[9223372036854775808]", "[0,8]"), "in shape, got 9223"),
                arguments("dimension of 2^64+8", e("\"U8\"", "[18446744073709551624]", "[0,8]"), "got 18446744"),
                arguments(
                        "nine dimensions", e("\"U8\"", "[8,1,1,1,1,1,1,1,1]", "[0,8]"), "at most 8 integers in shape"),
                arguments("product of 2^64", e("\"U8\"", "[4294967296,4294967296]", "[0,8]"), "below 2^63 bits"),
                arguments("product of 2^64+8", e("\"U8\"", "[536870912,34359738369]", "[0,8]"), "below 2^63 bits"),
                arguments("dtype overflows", e("\"F64\"", "[2305843009213693952]", "[0,8]"), "below 2^63 bits"),
                arguments(
                        "overflow behind a zero", e("\"U8\"", "[4294967296,4294967296,0]", "[0,0]"), "below 2^63 bits"),
                arguments("too small", e("\"U8\"", "[7]", "[0,8]"), "expected 56 bits of data for U8 of shape [7]"),
                arguments("too large", e("\"F16\"", "[8]", "[0,8]"), "expected 128 bits of data for F16 of shape [8]"),
                arguments(
                        "scalar of 8 bytes", e("\"U8\"", "[]", "[0,8]"), "expected 8 bits of data for U8 of shape []"),
                arguments("empty with bytes", e("\"U8\"", "[0]", "[0,8]"), "expected 0 bits of data"),
                arguments("not whole bytes", e("\"F4\"", "[15]", "[0,8]"), "expected 60 bits of data for F4"),
                arguments("offsets not an array", e("\"U8\"", "[8]", "{}"), "expected data_offsets to be an array"),
                arguments("one offset", e("\"U8\"", "[8]", "[0]"), "expected two data_offsets, got 1"),
                arguments("three offsets", e("\"U8\"", "[8]", "[0,8,8]"), "at most 2 integers in data_offsets"),
                arguments("negative offset", e("\"U8\"", "[8]", "[-8,0]"), "in data_offsets, got -8"),
                arguments("offset a float", e("\"U8\"", "[8]", "[0,8.5]"), "in data_offsets, got 8.5"),
                arguments("offsets reversed", e("\"U8\"", "[8]", "[8,0]"), "in order, got 8 before 0"),
                arguments("past the end", e("\"U8\"", "[9]", "[0,9]"), "up to byte 9 after the header, got a file"),
                arguments("far past the end", e("\"U8\"", "[8]", "[0,9223372036854775807]"), "only 8 bytes"),
                arguments(
                        "offset of 2^63", e("\"U8\"", "[8]", "[0,9223372036854775808]"), "in data_offsets, got 9223"));
    }

    /** An entry in JSON with these values, without the empty ones. */
    private static String e(String dtype, String shape, String offsets) {
        return Stream.of(
                        dtype.isEmpty() ? "" : "\"dtype\":" + dtype,
                        shape.isEmpty() ? "" : "\"shape\":" + shape,
                        offsets.isEmpty() ? "" : "\"data_offsets\":" + offsets)
                .filter(f -> !f.isEmpty())
                .collect(Collectors.joining(",", "{", "}"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("entries")
    void refusesAnEntryAndNamesItsTensor(String what, String entry, String message) {
        DataProblem problem = TestFile.refused(TestFile.of("{\"the.tensor\":" + entry + "}", 8));

        assertThat(problem.what()).startsWith("expected ").contains("got").contains(message);
        assertThat(problem.remedy()).isNotEmpty();
        assertThat(problem.tensor()).isEqualTo("the.tensor");
    }

    /** The error, the header's text, bytes of data, and words of the message. */
    static Stream<Arguments> headers() {
        return Stream.of(
                arguments("empty", "", 0, "begins with {"),
                arguments("spaces", "    ", 0, "begins with {"),
                arguments("spaces before", " " + GOOD, 8, "begins with {, got something before it"),
                arguments("byte order mark", "\ufeff" + GOOD, 8, "got"),
                arguments("array", "[]", 0, "begins with {, got an array"),
                arguments("deep arrays", "[".repeat(5000), 0, "begins with {, got an array"),
                arguments("string", "\"x\"", 0, "begins with {"),
                arguments("null", "null", 0, "begins with {, got null"),
                arguments("not JSON", "PK\u0003\u0004", 0, "in JSON"),
                arguments("zeros", "{\0\0\0", 0, "in JSON"),
                arguments("not closed", "{", 0, "in JSON"),
                arguments("cut", GOOD.substring(0, 30), 8, "in JSON"),
                arguments("trailing comma", "{\"t\":" + unit(0) + ",}", 1, "in JSON"),
                arguments("single quotes", GOOD.replace('"', '\''), 8, "in JSON"),
                arguments("comment", "{/* */}", 0, "in JSON"),
                arguments("NaN", GOOD.replace("[8]", "[NaN]"), 8, "in JSON"),
                arguments("leading zero", GOOD.replace("[8]", "[08]"), 8, "in JSON"),
                arguments("raw control character", "{\"a\nb\":" + unit(0) + "}", 1, "in JSON"),
                arguments("trailing garbage", GOOD + "x", 8, "in JSON"),
                arguments("trailing zeros", GOOD + "\0\0", 8, "in JSON"),
                arguments("trailing object", GOOD + "{}", 8, "only spaces after"),
                arguments("half a surrogate pair", "{\"\\ud800\":" + unit(0) + "}", 1, "half of a surrogate pair"),
                arguments("swapped surrogates", "{\"\\ude00\\ud83d\":" + unit(0) + "}", 1, "half of a surrogate"),
                arguments("long name", "{\"" + "n".repeat(1001) + "\":" + unit(0) + "}", 1, "got a longer one"),
                arguments("long number", GOOD.replace("[8]", "[" + "8".repeat(101) + "]"), 8, "got a longer one"),
                arguments("very long number", GOOD.replace("[8]", "[" + "8".repeat(100_000) + "]"), 8, "longer one"),
                arguments("long fraction", GOOD.replace("[8]", "[0." + "8".repeat(100_000) + "]"), 8, "longer one"),
                arguments("long text", META + "{\"k\":\"" + "x".repeat(4_200_000) + "\"}}", 0, "got a longer one"),
                arguments("same name", "{\"t\":" + unit(0) + ",\"t\":" + unit(1) + "}", 2, "got this one twice"),
                arguments("same name, escaped", "{\"t\":" + unit(0) + ",\"\\u0074\":" + unit(1) + "}", 2, "one twice"),
                arguments("metadata twice", META + "{},\"__metadata__\":{}}", 0, "got this one twice"),
                arguments("metadata key twice", META + "{\"k\":\"1\",\"k\":\"2\"}}", 0, "got this one twice"),
                arguments(
                        "many metadata keys",
                        META + keys(100_001) + "}",
                        0,
                        "at most 100000 entries in __metadata__, got"),
                arguments("metadata an array", META + "[]}", 0, "expected __metadata__ to be an object, got an array"),
                arguments("metadata null", META + "null}", 0, "expected __metadata__ to be an object, got null"),
                arguments("metadata a number", META + "{\"kv_heads\":3}}", 0, "got 3 for kv_heads"),
                arguments("metadata nested", META + "{\"a\":{\"b\":\"c\"}}}", 0, "got an object for a"),
                arguments("metadata null value", META + "{\"a\":null}}", 0, "got null for a"),
                arguments("data without tensors", "{}", 1, "got bytes 0 to 1 of the data"),
                arguments("hole at the start", "{\"t\":" + unit(1) + "}", 2, "got bytes 0 to 1 of the data"),
                arguments("hole", "{\"t\":" + unit(2) + ",\"u\":" + unit(0) + "}", 3, "got bytes 1 to 2 of the data"),
                arguments("hole at the end", "{\"t\":" + unit(0) + "}", 3, "got bytes 1 to 3 of the data"),
                arguments("same bytes", "{\"t\":" + unit(0) + ",\"u\":" + unit(0) + "}", 1, "two that claim byte 0"),
                arguments(
                        "same begin",
                        "{\"t\":" + span(0, 2) + ",\"u\":" + span(0, 1) + ",\"v\":" + span(1, 2) + "}",
                        2,
                        "two that claim byte 0"),
                arguments("overlap", "{\"t\":" + span(0, 2) + ",\"u\":" + span(1, 3) + "}", 3, "two that claim byte 1"),
                arguments("inside", "{\"t\":" + span(0, 4) + ",\"u\":" + span(1, 3) + "}", 4, "two that claim byte 1"),
                arguments(
                        "overlap that fills a hole",
                        "{\"t\":" + span(0, 2) + ",\"u\":" + span(1, 3) + ",\"v\":" + span(4, 5) + "}",
                        5,
                        "two that claim byte 1"),
                arguments(
                        "empty inside another",
                        "{\"t\":" + span(0, 4) + ",\"u\":" + span(2, 2) + "}",
                        4,
                        "claim byte 2"),
                arguments("too deep", META + "{\"a\":[[[[[[[[\"c\"]]]]]]]]}}", 0, "got an array for a"));
    }

    private static String keys(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "\"k" + i + "\":\"\"")
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static String unit(int at) {
        return span(at, at + 1);
    }

    private static String span(int begin, int end) {
        return e("\"U8\"", "[" + (end - begin) + "]", "[" + begin + "," + end + "]");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void refusesAHeader(String what, String json, int dataLength, String message) {
        DataProblem problem = TestFile.refused(TestFile.of(json, dataLength));

        assertThat(problem.what()).startsWith("expected ").contains(", got ").contains(message);
        assertThat(problem.what()).hasSizeLessThan(600);
        assertThat(problem.remedy()).isNotEmpty();
    }

    @Test
    void namesATensorAtAHoleOrAnOverlap() {
        assertThat(TestFile.refused(TestFile.of("{\"t\":" + unit(0) + ",\"u\":" + unit(0) + "}", 1))
                        .tensor())
                .isEqualTo("t");
        assertThat(TestFile.refused(TestFile.of("{\"t\":" + unit(0) + ",\"u\":" + unit(2) + "}", 3))
                        .tensor())
                .isEqualTo("t");
    }

    @Test
    void checksTensorsThatAreNotWantedToo() {
        byte[] file = TestFile.of("{\"t\":" + unit(0) + ",\"u\":" + unit(2) + "}", 3);

        assertThatThrownBy(() -> TestFile.read(file, name -> false)).isInstanceOf(InvalidDataException.class);
    }

    static Stream<byte[]> notUtf8() {
        return Stream.of(
                new byte[] {(byte) 0xff},
                new byte[] {(byte) 0xc3},
                new byte[] {(byte) 0xc0, (byte) 0xaf},
                new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
                new byte[] {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80});
    }

    @ParameterizedTest
    @MethodSource("notUtf8")
    void refusesHeadersThatAreNotUtf8(byte[] bytes) {
        String bad = new String(bytes, StandardCharsets.ISO_8859_1);
        for (String json : new String[] {GOOD.replace("\"t\"", "\"t" + bad + "\""), "{}" + bad}) {
            assertThat(TestFile.refused(TestFile.of(json.getBytes(StandardCharsets.ISO_8859_1), 8))
                            .what())
                    .startsWith("expected a header in UTF-8, got");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void refusesAFileWithoutALength(int length) {
        assertThat(TestFile.refused(new byte[length]).what())
                .isEqualTo("expected at least 8 bytes, got a file of " + length);
    }

    @ParameterizedTest
    @ValueSource(longs = {100_000_001, Integer.MAX_VALUE, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void refusesAHeaderThatIsTooLong(long length) {
        byte[] file = TestFile.withLength(length, GOOD.getBytes(StandardCharsets.UTF_8), 8);

        assertThat(TestFile.refused(file).what())
                .isEqualTo("expected a header of at most 100000000 bytes, got a length of "
                        + Long.toUnsignedString(length));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 9, 99_000_000})
    void refusesAHeaderBeyondTheFile(long more) {
        byte[] header = GOOD.getBytes(StandardCharsets.UTF_8);

        assertThat(TestFile.refused(TestFile.withLength(header.length + more, header, 0))
                        .what())
                .contains("got a file with only " + header.length + " bytes after its length");
    }

    @Test
    void refusesAFileThatShrinksWhileItIsRead() {
        byte[] file = TestFile.of(GOOD, 8);
        for (int length = 0; length < 8 + GOOD.length(); length++) {
            ByteArrayInputStream cut = new ByteArrayInputStream(Arrays.copyOf(file, length));
            assertThatThrownBy(() -> SafetensorsHeader.read(cut, file.length, name -> true))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("expected a file of " + file.length + " bytes, got its end");
        }
    }

    @Test
    void boundsTheNumberOfWantedTensors() {
        String json = IntStream.rangeClosed(0, 40_000)
                .mapToObj(i -> "\"t" + i + "\":" + unit(i))
                .collect(Collectors.joining(",", "{", "}"));
        byte[] file = TestFile.of(json, 40_001);

        DataProblem problem = TestFile.refused(file);

        assertThat(problem.what()).isEqualTo("expected at most 40000 tensors of interest, got more");
        assertThat(problem.tensor()).isEqualTo("t40000");
        assertThat(TestFile.read(file, name -> !name.equals("t5")).tensors()).hasSize(40_000);
    }

    @Test
    @Timeout(20)
    void readsNamesThatAllHaveOneHashCode() {
        int count = 1 << 16;
        String json = IntStream.range(0, count)
                .mapToObj(i -> "\"" + colliding(i) + "\":" + unit(i))
                .collect(Collectors.joining(",", "{", "}"));

        assertThat(colliding(0).hashCode()).isEqualTo(colliding(count - 1).hashCode());
        assertThat(TestFile.read(TestFile.of(json, count), name -> false).tensorCount())
                .isEqualTo(count);
    }

    private static String colliding(int bits) {
        return IntStream.range(0, 16)
                .mapToObj(i -> (bits >> i & 1) == 0 ? "Aa" : "BB")
                .collect(Collectors.joining());
    }
}
