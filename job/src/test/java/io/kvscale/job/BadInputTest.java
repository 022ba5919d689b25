package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Invalid captures: errors name cause, place and remedy in one to three lines, and leave no output. */
class BadInputTest {
    private static final List<Long> SHAPE = List.of(1L, 2L, 4L, 32L);

    @TempDir
    private Path work;

    private Path input = Path.of("");
    private Path recipe = Path.of("");

    @BeforeEach
    void writeRecipeAndTwoValidCaptures() {
        input = work.resolve("in");
        recipe = recipe();
        Capture.of(3, 4, 1).write(input.resolve("sample-0.safetensors"));
        Capture.of(3, 4, 2).write(input.resolve("sample-2.safetensors"));
    }

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    private Path recipe(String... rest) {
        return Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor, symmetric: true", rest);
    }

    private Path bad(Capture capture) {
        return capture.write(input.resolve("sample-1.safetensors"));
    }

    private Path bad(byte[] bytes) {
        return Capture.put(input.resolve("sample-1.safetensors"), bytes);
    }

    private Cli calibrate(Object... more) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--output", work.resolve("out")));
        Collections.addAll(words, more);
        if (!words.contains("--input")) {
            words.addAll(List.of("--input", input));
        }
        return Cli.run(words.toArray());
    }

    /** Checks that calibration fails with {@link ExitCode#DATA} and writes nothing. */
    private void refused(String... messages) {
        Map<String, Boolean> before = Folder.names(work);
        calibrate().fails(ExitCode.DATA, messages);
        assertThat(Folder.names(work)).isEqualTo(before);
    }

    /** A safetensors file with this header. */
    private static byte[] file(String header, int dataBytes) {
        return file(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    }

    private static byte[] file(long headerLength, String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerLength)
                .put(json)
                .array();
    }

    private static String tensor(String name, String dtype, String shape, long from, long to) {
        return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" + from + ","
                + to + "]}";
    }

    static Stream<Arguments> files() {
        String key = tensor("layers.0.keys", "BF16", "[1,2,4,32]", 0, 512);
        return Stream.of(
                Arguments.of("text", "Once upon a time there was a cache.".getBytes(StandardCharsets.UTF_8), ""),
                Arguments.of("an empty file", new byte[0], ""),
                Arguments.of("a header beyond the file", file(1000, "{}", 0), "1000"),
                Arguments.of("a header beyond 100 MB", file(100_000_001, "{}", 0), "100000001"),
                Arguments.of("a negative header length", file(-1, "{}", 0), ""),
                Arguments.of("a header that is no JSON", file("{\"layers.0.keys\": nonsense", 0), ""),
                Arguments.of("duplicate keys", file("{" + key + "," + key + "}", 512), "layers.0.keys"),
                Arguments.of(
                        "overlapping tensors",
                        file("{" + key + "," + tensor("layers.0.values", "BF16", "[1,2,4,32]", 256, 768) + "}", 768),
                        "layers.0.values"),
                Arguments.of(
                        "a hole between tensors",
                        file("{" + key + "," + tensor("layers.0.values", "BF16", "[1,2,4,32]", 600, 1112) + "}", 1112),
                        "bytes 512 to 600"),
                Arguments.of("offsets past the end", file("{" + key + "}", 100), ""),
                Arguments.of(
                        "bytes that do not fit the shape",
                        file("{" + tensor("layers.0.keys", "BF16", "[1,2,4,31]", 0, 512) + "}", 512),
                        "layers.0.keys"),
                Arguments.of(
                        "a shape whose product overflows",
                        file(
                                "{"
                                        + tensor(
                                                "layers.0.keys",
                                                "BF16",
                                                "[4294967296,4294967296,4294967296,4294967296]",
                                                0,
                                                512)
                                        + "}",
                                512),
                        "layers.0.keys"),
                Arguments.of(
                        "an unknown dtype",
                        file("{" + tensor("layers.0.keys", "Q9", "[1,2,4,32]", 0, 512) + "}", 512),
                        "Q9"),
                Arguments.of(
                        "a dtype that is no float",
                        new Capture().add("layers.0.keys", "F64", SHAPE, i -> i).bytes(),
                        "F64"),
                Arguments.of(
                        "already quantized values",
                        new Capture()
                                .add("layers.0.keys", "F8_E4M3", SHAPE, i -> i)
                                .bytes(),
                        "already quantized (F8_E4M3)"),
                Arguments.of(
                        "already quantized values",
                        new Capture().add("layers.0.keys", "I8", SHAPE, i -> i).bytes(),
                        "already quantized (I8)"));
    }

    @ParameterizedTest(name = "{0} {2}")
    @MethodSource("files")
    void anInvalidCaptureFileIsNamed(String fault, byte[] bytes, String message) {
        bad(bytes);
        refused("sample-1.safetensors", message);
    }

    static Stream<Arguments> otherGeometries() {
        return Stream.of(
                Arguments.of("F16", List.of(1L, 2L, 4L, 32L), "F16"),
                Arguments.of("BF16", List.of(1L, 4L, 4L, 32L), "4"),
                Arguments.of("BF16", List.of(1L, 2L, 4L, 16L), "16"));
    }

    @ParameterizedTest
    @MethodSource("otherGeometries")
    void aGeometryConflictNamesBothFiles(String dtype, List<Long> shape, String message) {
        Capture conflicting = new Capture();
        for (int layer = 0; layer < 3; layer++) {
            conflicting.add("layers." + layer + ".keys", dtype, shape, Capture.random(3));
            conflicting.add("layers." + layer + ".values", dtype, shape, Capture.random(4));
        }
        bad(conflicting);
        refused("sample-0.safetensors", "sample-1.safetensors", "layer 0 key", message);
    }

    @Test
    void keyAndValueWithDifferentTokenCountsAreRefused() {
        bad(new Capture().pair(0, 4, 5).pair(1, 4, 6).key(2, 4, 7).value(2, 3, 8));
        refused(
                "3 tokens of layer 2 value, but 4 of most slots",
                "1 of 3 samples",
                "in file sample-1.safetensors, layer 2 value");
    }

    @Test
    void aFileWithAShortLayerIsRefused() {
        bad(new Capture().pair(0, 4, 5).pair(1, 3, 6).pair(2, 4, 7));
        refused(
                "3 tokens of layer 1 key, but 4 of most slots; 1 more differ",
                "in file sample-1.safetensors",
                "hybrid: true");
    }

    @Test
    void hybridModelsMayHaveDifferentTokenCountsPerLayer() {
        bad(new Capture().pair(0, 4, 5).pair(1, 3, 6).pair(2, 4, 7));
        recipe = recipe("kvscale: {hybrid: true}");
        calibrate().isDone();
    }

    @Test
    void hybridModelsMayLackLayers() {
        input = work.resolve("hybrid");
        new Capture().pair(1, 4, 5).pair(5, 4, 6).write(input.resolve("a.safetensors"));
        refused("layer 0", "missing", "hybrid: true");
        recipe = recipe("kvscale: {hybrid: true}");
        calibrate().isDone();
        assertThat(Folder.scales(work.resolve("out")).slots()).hasSize(4);
    }

    @Test
    void aKeyWithoutItsValueIsRefused() {
        input = work.resolve("unpaired");
        new Capture().pair(0, 4, 5).key(1, 4, 6).write(input.resolve("a.safetensors"));
        refused("layer 1 value", "no value", "a.safetensors", "mla: true");
    }

    @Test
    void anMlaModelNeedsNoValues() {
        input = work.resolve("mla");
        new Capture()
                .add("layers.0.keys", "BF16", List.of(6L, 1L, 40L), Capture.random(1))
                .write(input.resolve("a.safetensors"));
        recipe = recipe("kvscale: {mla: true}");
        calibrate().isDone();
        assertThat(Folder.json(work.resolve("out/kv_scales.json"))
                        .get("layers")
                        .get(0)
                        .has("value"))
                .isFalse();
    }

    /** Without this the scales of K and V would both be written, for a cache that has no V. */
    @Test
    void anMlaRecipeRefusesValues() {
        input = work.resolve("both");
        new Capture().pair(0, 4, 5).write(input.resolve("a.safetensors"));
        recipe = recipe("kvscale: {mla: true}");
        refused("mla is true", "a.safetensors", "tensor layers.0.values", "remove mla");
        Path plain = recipe();
        Cli.run("calibrate", "--recipe", plain, "--input", input, "--output", work.resolve("out"))
                .isDone();
        Path statistics = work.resolve("out/statistics.kvstats");
        recipe = recipe("kvscale: {mla: true}");
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe, "--output", work.resolve("again"))
                .fails(ExitCode.DATA, "mla is true", "layer 0 value", "remove mla");
        Cli.run("inspect", "--recipe", recipe, input).fails(ExitCode.DATA, "mla is true", "a.safetensors");
    }

    @Test
    void keysThatDoNotConcernTheInputAreReported() {
        input = work.resolve("plain");
        new Capture().pair(0, 4, 5).write(input.resolve("a.safetensors"));
        recipe = recipe("kvscale: {feedback: none, seed: 42, num_calibration_samples: 7, columns: {data: x},"
                + " hybrid: false, fields: {text: body}}");
        assertThat(calibrate().isDone().err())
                .contains("warning: the recipe sets columns.data, num_calibration_samples, seed, fields.text, feedback,"
                        + " which has no effect on captures of named tensors");
    }

    @Test
    void aMissingLayerIsRefused() {
        input = work.resolve("gap");
        new Capture().pair(0, 4, 5).pair(2, 4, 6).write(input.resolve("a.safetensors"));
        refused("layer 1 ", "missing", "hybrid: true");
    }

    private static Capture captureWith(double value) {
        return new Capture()
                .pair(0, 4, 5)
                .key(1, 4, 6)
                .add("layers.1.values", "BF16", SHAPE, i -> i == 77 ? value : 1 + i % 7)
                .pair(2, 4, 7);
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void nonfiniteValuesAreRefusedWithSampleAndSlot(double value) {
        bad(captureWith(value));
        refused("sample-1", "layer 1 value", "on_nonfinite: skip");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
    void nonfiniteValuesCanBeSkippedAndAreCounted(double value) {
        bad(captureWith(value));
        recipe = recipe("kvscale: {on_nonfinite: skip}");
        assertThat(calibrate().isDone().err()).contains("layer 1 value");
        var slot = Folder.json(work.resolve("out/kv_scales.json"))
                .get("layers")
                .get(1)
                .get("value");
        assertThat(slot.get("nan").asInt() + slot.get("inf").asInt()).isEqualTo(1);
        assertThat(slot.get("count").asInt()).isEqualTo(3 * 256 - 1);
        // The statistics keep the counts, so a recipe without on_nonfinite: skip fails.
        Cli.run(
                        "scales",
                        "--statistics",
                        work.resolve("out/statistics.kvstats"),
                        "--recipe",
                        recipe(),
                        "--output",
                        work.resolve("again"))
                .fails(ExitCode.DATA, "sample-1", "layer 1 value");
    }

    @Test
    void aSlotOfZerosIsRefused() {
        input = work.resolve("zeros");
        new Capture().key(0, 4, 5).add("layers.0.values", "BF16", SHAPE, i -> 0).write(input.resolve("a.safetensors"));
        refused("layer 0 value", "zero", "a.safetensors", "allow_zero: true");
        recipe = recipe("kvscale: {allow_zero: true}");
        calibrate().isDone();
        var value = Folder.json(work.resolve("out/kv_scales.json"))
                .get("layers")
                .get(0)
                .get("value");
        assertThat(value.get("scale").get(0).floatValue()).isEqualTo(0x1p-23f);
    }

    static Stream<Arguments> masks() {
        return Stream.of(
                Arguments.of("I64", List.of(1L, 5L), 1.0, "[1,5]"),
                Arguments.of("I64", List.of(2L, 4L), 1.0, "[2,4]"),
                Arguments.of("I64", List.of(1L, 4L), 2.0, "holds 2"),
                Arguments.of("I32", List.of(1L, 4L), -1.0, "holds -1"),
                Arguments.of("F32", List.of(1L, 4L), 1.0, "F32"));
    }

    @ParameterizedTest
    @MethodSource("masks")
    void anInvalidMaskIsRefused(String dtype, List<Long> shape, double value, String message) {
        bad(Capture.of(3, 4, 9).add("attention_mask", dtype, shape, i -> value));
        refused("sample-1.safetensors", message, "mask: none");
    }

    @Test
    void aMissingMaskThatTheRecipeNamesIsRefused() {
        recipe = recipe("kvscale: {mask: real_tokens}");
        refused("sample-0.safetensors", "real_tokens");
    }

    @Test
    void aMissingInputIsRefused() {
        calibrate("--input", work.resolve("absent")).fails(ExitCode.DATA, "absent", "--input");
    }

    @Test
    void anInputWithoutCapturesIsRefused() {
        Folder.write(work.resolve("empty/notes.txt"), "nothing");
        calibrate("--input", work.resolve("empty"))
                .fails(ExitCode.DATA, "empty", "1 other file", "give a folder of captures");
    }

    @Test
    void aFileWithoutKeysAndValuesIsRefused() {
        input = work.resolve("foreign");
        new Capture().add("weight", "F32", List.of(2L), i -> 1).write(input.resolve("a.safetensors"));
        refused("no K or V");
    }

    @Test
    void anUnknownFileSystemSchemeIsRefused() {
        calibrate("--input", "nowhere://bucket/captures").fails(ExitCode.DATA, "nowhere", "--input");
    }

    @Test
    void twoFilesWithTheSameNameAreRefused() {
        Capture.of(3, 4, 9).write(work.resolve("a/in/sample-0.safetensors"));
        calibrate("--input", input, work.resolve("a/in")).fails(ExitCode.DATA, "sample-0");
    }

    @ParameterizedTest
    @CsvSource({
        "4, 4, changed while it was read",
        "4, 3500, changed while it was read",
        "6000, 4, while it is read",
        "6000, 2000000, while it is read"
    })
    void aFileThatShrinksWhileItIsReadIsRefused(int tokens, int missing, String message) {
        Path file = bad(Capture.of(3, tokens, 9));
        byte[] bytes = Folder.bytes(file);
        Capture.put(file, Arrays.copyOf(bytes, bytes.length - missing));
        HookedFileSystem.status = listed -> listed.getPath().getName().startsWith("sample-1")
                ? new FileStatus(bytes.length, false, 1, 1 << 25, 0, listed.getPath())
                : listed;
        calibrate("--input", HookedFileSystem.of(input)).fails(ExitCode.DATA, "sample-1.safetensors", message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"static_minmax", "minmax", "memoryless_minmax"})
    void aGroupSizeThatDoesNotDivideHeadDimIsRefused(String observer) {
        recipe = Folder.recipe(
                work,
                "num_bits: 4, type: int, strategy: group, group_size: 24, symmetric: true, observer: " + observer);
        refused("group_size 24", "head_dim 32", "layer 0 key");
    }

    /** Invalid files, each with one fault. */
    private enum Fault {
        NAN {
            @Override
            byte[] file() {
                return captureWith(Double.NaN).bytes();
            }
        },
        OTHER_DTYPE {
            @Override
            byte[] file() {
                return new Capture()
                        .pair(0, 4, 1)
                        .add("layers.1.keys", "F32", SHAPE, Capture.random(1))
                        .value(1, 4, 2)
                        .pair(2, 4, 3)
                        .bytes();
            }
        },
        TEXT {
            @Override
            byte[] file() {
                return "no tensors".getBytes(StandardCharsets.UTF_8);
            }
        },
        MASK {
            @Override
            byte[] file() {
                return Capture.of(3, 4, 9)
                        .add("attention_mask", "I64", List.of(1L, 4L), i -> 3)
                        .bytes();
            }
        },
        QUANTIZED {
            @Override
            byte[] file() {
                return Capture.of(2, 4, 9)
                        .add("layers.2.keys", "I8", SHAPE, i -> 1)
                        .value(2, 4, 3)
                        .bytes();
            }
        };

        abstract byte[] file();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void theFirstOfSeveralFaultsIsReportedForAnyPartitioning(long seed) {
        Random random = new Random(seed);
        input = work.resolve("many");
        int first = Integer.MAX_VALUE;
        for (int i = 0; i < 12; i++) {
            Path file = input.resolve(String.format(java.util.Locale.ROOT, "sample-%02d.safetensors", i));
            if (i > 0 && random.nextInt(3) == 0) {
                Capture.put(file, Fault.values()[random.nextInt(Fault.values().length)].file());
                first = Math.min(first, i);
            } else {
                Capture.of(3, 4 + i, i).write(file);
            }
        }
        String error = calibrate("--partitions", 1).fails(ExitCode.DATA).err();
        assertThat(error).contains(String.format(java.util.Locale.ROOT, "sample-%02d", first));
        assertThat(calibrate("--partitions", 7).fails(ExitCode.DATA).err()).isEqualTo(error);
        assertThat(calibrate("--partitions", 64).fails(ExitCode.DATA).err()).isEqualTo(error);
        assertThat(Folder.names(work)).doesNotContainKey("out").hasSize(3);
    }

    @Test
    void aNanInAnEarlierFileIsReportedBeforeAGeometryConflict() {
        input = work.resolve("both");
        Capture.of(3, 4, 1).write(input.resolve("a.safetensors"));
        new Capture()
                .pair(0, 4, 5)
                .add("layers.1.keys", "BF16", SHAPE, i -> i == 3 ? Double.NaN : 1)
                .value(1, 4, 6)
                .pair(2, 4, 7)
                .write(input.resolve("b.safetensors"));
        Capture.put(input.resolve("c.safetensors"), Fault.OTHER_DTYPE.file());
        for (int partitions : new int[] {1, 2, 3, 7, 64}) {
            calibrate("--partitions", partitions).fails(ExitCode.DATA, "b.safetensors", "layer 1 key", "NaN");
        }
    }

    @Test
    void badDataIsNotRetried() {
        bad("no tensors".getBytes(StandardCharsets.UTF_8));
        calibrate("--input", HookedFileSystem.of(input), "--partitions", 1).fails(ExitCode.DATA, "sample-1");
        // Once to look at the layout, once by the pass, and to say why.
        assertThat(HookedFileSystem.opened(input)).isLessThanOrEqualTo(4);
    }
}
