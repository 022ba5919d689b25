package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Results for the shipped sample have the same bytes as in an earlier version. */
class OutputBytesTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/outputs");
    private static final Path RECIPES = Folder.FP8.getParent();

    @TempDir
    private Path work;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp8",
                "fp8_attn_head",
                "fp8_mse",
                "int4_group",
                "int8_channel",
                "llm_compressor_example",
                "mixed_layers"
            })
    void calibrationWritesTheSameBytes(String recipe) {
        calibrationWritesTheSameBytes(recipe, RECIPES.resolve(recipe + ".yaml"));
    }

    /** The kept bytes have the convention that was the default then. */
    @Test
    void nvfp4DivisorsHaveTheSameBytes() {
        String recipe = Folder.text(RECIPES.resolve("nvfp4.yaml"));
        calibrationWritesTheSameBytes(
                "nvfp4",
                Folder.write(
                        work.resolve("nvfp4.yaml"),
                        recipe.replace("global_scale: absmax_448", "global_scale: divisor")));
    }

    private void calibrationWritesTheSameBytes(String recipe, Path file) {
        Path output = work.resolve(recipe);
        Cli.run("calibrate", "--recipe", file, "--input", Folder.SAMPLE, "--output", output, "--quiet")
                .isDone();
        assertThat(compareFiles(recipe, output)).isGreaterThan(0);
    }

    @Test
    void derivedScalesHaveTheSameBytes() {
        Path counted = work.resolve("counted");
        Cli.run("calibrate", "--recipe", RECIPES.resolve("fp8_mse.yaml"), "--input", Folder.SAMPLE, "--output", counted)
                .isDone();
        Path statistics = counted.resolve("statistics.kvstats");
        Path rescaled = work.resolve("rescaled");
        scales(statistics, "int8_channel", rescaled);
        assertThat(compareFiles("rescaled", rescaled)).isEqualTo(1);

        Cli advice = Cli.run("advise", "--statistics", statistics, "--bits", "6", "--json")
                .isDone();
        String numbers = advice.out()
                .replaceAll(" *\"unit_scale\" : \\{[^}]*},\n", "")
                .lines()
                .filter(line -> !line.contains("vllm_refusal") && !line.contains("unit_scale_verdict"))
                .collect(Collectors.joining("\n"));
        assertThat(digest(numbers.getBytes(StandardCharsets.UTF_8))).isEqualTo(keptDigest("advise.json"));
    }

    @Test
    void scalesOfTextHaveTheSameBytes() {
        Path output = work.resolve("text");
        scales(GOLDEN.resolve("text/statistics.kvstats"), "fp8_text", output);
        assertThat(compareFiles("text", output)).isEqualTo(4);
    }

    private static void scales(Path statistics, String recipe, Path output) {
        Path file = RECIPES.resolve(recipe + ".yaml");
        Cli.run("scales", "--statistics", statistics, "--recipe", file, "--output", output)
                .isDone();
    }

    /** Compares every file of a result with its kept digest. @return the number of files */
    private static int compareFiles(String result, Path output) {
        List<String> names = Stream.concat(
                        files(GOLDEN.resolve(result)).stream(),
                        sums().map(line -> line.substring(line.indexOf("  ") + 2))
                                .filter(name -> name.startsWith(result + "/")))
                .toList();
        for (String name : names) {
            Path written = output.resolve(name.substring(result.length() + 1));
            assertThat(digest(read(written))).as(name).isEqualTo(keptDigest(name));
        }
        return names.size();
    }

    private static String keptDigest(String name) {
        Path keptFile = GOLDEN.resolve(name);
        return Files.exists(keptFile)
                ? digest(read(keptFile))
                : sums().filter(line -> line.endsWith("  " + name))
                        .map(line -> line.substring(0, line.indexOf(' ')))
                        .findFirst()
                        .orElseThrow();
    }

    private static List<String> files(Path folder) {
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> GOLDEN.relativize(file).toString())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<String> sums() {
        return new String(read(GOLDEN.resolve("sha256.txt")), StandardCharsets.UTF_8).lines();
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
