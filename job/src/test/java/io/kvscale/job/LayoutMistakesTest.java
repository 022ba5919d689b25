package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Captures whose axes are not in the default order: 96 tokens, 2 KV heads of 32. */
class LayoutMistakesTest {
    private static final int HEADS = 2;
    private static final int TOKENS = 96;
    private static final int HEAD_DIM = 32;
    private static final String CONFIG =
            "{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
                    + " \"hidden_size\": 128}";

    @TempDir
    private Path work;

    @BeforeEach
    void writeTheSameValuesAsTransformersDoes() {
        write("good", List.of(1L, 2L, 96L, 32L), true);
    }

    /** The value of a head, token and channel, whatever the order of axes. */
    private static double value(int sample, int layer, int head, int token, int d) {
        return ((sample * 31 + layer * 17 + head * 13 + token * 7 + d * 3) % 255 - 127) / 16.0;
    }

    private Path write(String folder, List<Long> shape, boolean headMajor) {
        for (int s = 0; s < 2; s++) {
            Capture capture = new Capture();
            int sample = s;
            for (int l = 0; l < 2; l++) {
                int layer = l;
                for (String kind : List.of("keys", "values")) {
                    int shift = kind.equals("keys") ? 0 : 5;
                    capture.add("layers." + layer + "." + kind, "BF16", shape, i -> {
                        int d = i % HEAD_DIM;
                        int middle = i / HEAD_DIM;
                        int head = headMajor ? middle / TOKENS : middle % HEADS;
                        int token = headMajor ? middle % TOKENS : middle / HEADS;
                        return value(sample, layer + shift, head, token, d);
                    });
                }
            }
            capture.write(work.resolve(folder).resolve("s" + sample + ".safetensors"));
        }
        return work.resolve(folder);
    }

    /** The scale table without the names and shapes that were read. */
    private JsonNode slots(String output) {
        ObjectNode table = (ObjectNode) Folder.json(work.resolve(output).resolve("kv_scales.json"));
        table.remove("corpus");
        table.remove("statistics_sha256");
        assertThat(table).isNotEmpty();
        return table;
    }

    private Cli calibrate(Path input, Path recipe, Object... more) {
        Stream<Object> words = Stream.concat(
                Stream.of(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--output",
                        work.resolve("out-" + input.getFileName()),
                        "--overwrite"),
                Stream.concat(Stream.of("--input", input), Stream.of(more)));
        return Cli.run(words.toArray());
    }

    private Path recipe(String... kvscale) {
        return Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: attn_head, symmetric: true",
                kvscale.length == 0 ? new String[0] : new String[] {"kvscale: {" + String.join(", ", kvscale) + "}"});
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                Arguments.of(List.of(1L, 96L, 2L, 32L), false, "[batch, tokens, kv_heads, head_dim]", "layout: BSHD"),
                Arguments.of(
                        List.of(1L, 96L, 64L), false, "[1, tokens, kv_heads x head_dim]", "layout: BSHD, kv_heads: 2"),
                Arguments.of(List.of(2L, 96L, 32L), true, "[kv_heads, tokens, head_dim]", "layout: HSD"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void aCaptureInAnotherLayoutIsRefusedAndTheRecipeLineReadsIt(
            List<Long> shape, boolean headMajor, String looksLike, String line) {
        calibrate(work.resolve("good"), recipe()).isDone();
        Path input = write("other", shape, headMajor);
        String word = line.split(",")[0];
        calibrate(input, recipe())
                .fails(ExitCode.DATA, "looks like " + looksLike, word, "s0.safetensors", "layer 0 key");
        Cli.run("calibrate", "--dry-run", "--recipe", recipe(), "--input", input)
                .fails(ExitCode.DATA, "looks like " + looksLike, word);
        calibrate(input, recipe(line)).isDone();
        assertThat(slots("out-other")).isEqualTo(slots("out-good"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void withTheModelsConfigTheErrorSaysWhichNumberDiffers(
            List<Long> shape, boolean headMajor, String looksLike, String line) {
        Path input = write("other", shape, headMajor);
        Path config = Folder.write(work.resolve("config.json"), CONFIG);
        String word = line.split(",")[0];
        calibrate(input, recipe(), "--model-config", config)
                .fails(ExitCode.DATA, "config.json says 2 of 32", word, "layers.0.keys");
        calibrate(input, recipe(word), "--model-config", config).isDone();
        calibrate(work.resolve("good"), recipe(), "--model-config", config).isDone();
        assertThat(slots("out-other")).isEqualTo(slots("out-good"));
    }

    @Test
    void moreHeadsThanTokensInOneShortTextAreNoMistake() {
        Path input = work.resolve("in");
        Capture.of(2, 1, 1).write(input.resolve("short.safetensors"));
        Capture.of(2, 96, 2).write(input.resolve("long.safetensors"));
        calibrate(input, recipe()).isDone();
    }

    @Test
    void manyHeadsAndFewTokensOnlyCauseAWarning() {
        Path input = work.resolve("in");
        List<Long> shape = List.of(1L, 32L, 16L, 8L);
        new Capture()
                .add("layers.0.keys", "BF16", shape, Capture.random(1))
                .add("layers.0.values", "BF16", shape, Capture.random(2))
                .write(input.resolve("a.safetensors"));
        Cli run = calibrate(input, recipe()).isDone();
        assertThat(run.err()).contains("warning: this tensor has 32 KV heads and 16 tokens", "layout: BSHD");
        assertThat(calibrate(input, recipe("layout: BHSD")).isDone().err()).doesNotContain("KV heads and");
    }
}
