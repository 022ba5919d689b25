package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compares scales of real captures from several tools with those of the reference packages. The captures are too large
 * for this repository. {@code -Dkvscale.captures=DIR} names the folder with the captures and {@code expected/}.
 */
@EnabledIfSystemProperty(named = "kvscale.captures", matches = ".+")
class CapturesTest {
    @TempDir
    private Path work;

    @ParameterizedTest
    @ValueSource(strings = {"dynamic_cache", "vllm_connector", "onnx_names", "float16", "batched", "sequence_first"})
    void scalesEqualTheReferenceBitForBit(String folder) {
        compare(folder, folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"arrow", "arrows"})
    void scalesFromTablesEqualTheReferenceBitForBit(String extension) throws IOException {
        Path captures = Path.of(System.getProperty("kvscale.captures"));
        try (Stream<Path> files = Files.list(captures.resolve("arrow"))) {
            Path file = files.filter(f -> f.toString().endsWith("." + extension))
                    .findAny()
                    .orElseThrow();
            compare("arrow/" + file.getFileName(), "arrow");
        }
    }

    @Test
    void scalesFromParquetEqualTheReferenceBitForBit() {
        compare("parquet", "arrow");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dynamic_cache",
                "vllm_connector",
                "onnx_names",
                "float16",
                "batched",
                "sequence_first",
                "parquet"
            })
    void realCapturesGiveNoWarningButThatOfFewTokens(String folder) {
        String kvHeads = folder.equals("vllm_connector") ? "kvscale: {kv_heads: 3}" : "";
        assertThat(calibrate(folder, kvHeads).err().lines().filter(line -> line.contains("warning")))
                .singleElement()
                .asString()
                .contains("few tokens");
    }

    @Test
    void swappedKeysAndValuesAreWarnedOf() {
        assertThat(calibrate(
                                "dynamic_cache",
                                "kvscale:",
                                "  key: {tensors: 'layers\\.(?P<layer>\\d+)\\.values'}",
                                "  value: {tensors: 'layers\\.(?P<layer>\\d+)\\.keys'}")
                        .err())
                .contains("warning: K and V look swapped: V looks rotated by RoPE and K does not")
                .contains("K 0.164 halves, 0.167 neighbors; V 0.092 halves, 0.228 neighbors");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 11})
    void samplesWithSwappedKeysAndValuesAreNamed(int swapped) throws IOException {
        Path captures = Path.of(System.getProperty("kvscale.captures")).resolve("dynamic_cache");
        for (int i = 0; i < 12; i++) {
            String name = String.format(Locale.ROOT, "sample-%03d.safetensors", i);
            byte[] file = Files.readAllBytes(captures.resolve(name));
            String text = new String(file, StandardCharsets.ISO_8859_1);
            int end = text.indexOf("}}") + 2;
            String names = text.substring(0, end)
                    .replace(".keys\"", ".x\"")
                    .replace(".values\"", ".keys\"")
                    .replace(".x\"", ".values\"");
            Capture.put(
                    work.resolve("mixed").resolve(name),
                    ((i < swapped ? names : text.substring(0, end)) + text.substring(end))
                            .getBytes(StandardCharsets.ISO_8859_1));
        }
        assertThat(calibrate(work.resolve("mixed").toString()).err())
                .contains("warning: K and V look swapped in " + swapped + " of 12 samples (sample-000")
                .contains("there V looks rotated by RoPE and K does not");
    }

    @Test
    void rotatedKeysThatTheRecipeCallsUnrotatedAreWarnedOf() {
        assertThat(calibrate("dynamic_cache", "kvscale: {keys: before_rope}").err())
                .contains("warning: K looks rotated by RoPE, but the recipe says keys: before_rope (");
    }

    private Cli calibrate(String folder, String... rest) {
        Path recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor", rest);
        Path captures = Path.of(System.getProperty("kvscale.captures")).resolve(folder);
        return Cli.run("calibrate", "--recipe", recipe, "--input", captures, "--output", work.resolve("out"))
                .isDone();
    }

    @ParameterizedTest
    @ValueSource(strings = {"dynamic_cache", "vllm_connector", "onnx_names", "float16", "batched", "sequence_first"})
    void aHistogramTakesAtMost20KilobytesAHead(String folder) {
        Path output = work.resolve("counted");
        Path recipe = Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: tensor, symmetric: true",
                "kvscale: {statistics: histogram" + (folder.equals("vllm_connector") ? ", kv_heads: 3}" : "}"));
        Path captures = Path.of(System.getProperty("kvscale.captures")).resolve(folder);
        Cli.run("calibrate", "--recipe", recipe, "--input", captures, "--output", output)
                .isDone();
        CalibrationStatistics statistics =
                CalibrationStatistics.fromByteArray(Folder.bytes(output.resolve("statistics.kvstats")));
        long bytes = 0;
        long maxBytesPerHead = 0;
        for (SlotStatistics slot : statistics.slots().values()) {
            assertThat(slot.hasHistograms()).isTrue();
            bytes += slot.histogramBytes();
            maxBytesPerHead = Math.max(
                    maxBytesPerHead, slot.histogramBytes() / slot.geometry().heads());
        }
        assertThat(statistics.slots()).hasSize(60);
        System.out.println("captures: " + folder + ": histograms of " + bytes / (60 * 3) + " bytes a head, at most "
                + maxBytesPerHead + " in a slot");
        assertThat(maxBytesPerHead).isBetween(1_000L, 20_000L);
    }

    private void compare(String folder, String reference) {
        Path captures = Path.of(System.getProperty("kvscale.captures"));
        Path output = work.resolve("out");
        boolean merged = folder.equals("vllm_connector");
        Path recipe = Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: tensor, symmetric: true",
                merged ? "kvscale: {kv_heads: 3}" : "");
        Cli.run("calibrate", "--recipe", recipe, "--input", captures.resolve(folder), "--output", output)
                .isDone();
        Expected expected = new Expected(
                captures.resolve("expected").resolve(reference + ".json"), work, output.resolve("statistics.kvstats"));
        int compared = expected.schemes().stream().mapToInt(expected::check).sum();
        System.out.println(
                "captures: " + folder + ": " + expected.schemes().size() + " schemes, " + compared + " numbers");
        assertThat(Files.exists(output.resolve("_SUCCESS"))).isTrue();
        assertThat(compared).isGreaterThan(5_000);
    }
}
