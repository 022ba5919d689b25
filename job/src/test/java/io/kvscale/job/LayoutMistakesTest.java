package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
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
    void oneFileInAnotherLayoutIsSaidToBeTheOnlyOne() {
        Path input = write("other", List.of(1L, 96L, 2L, 32L), false);
        Capture.of(2, 96, 2).write(input.resolve("s2.safetensors"));
        Path config = Folder.write(work.resolve("config.json"), CONFIG);
        for (String line : List.of("mask: none", "layout: BSHD")) {
            calibrate(input, recipe(line), "--model-config", config)
                    .fails(ExitCode.DATA, "If all files do, set layout", "if only this one does, capture it again");
        }
    }

    @Test
    void moreHeadsThanTokensInOneShortTextAreNoMistake() {
        Path input = work.resolve("in");
        Capture.of(2, 1, 1).write(input.resolve("short.safetensors"));
        Capture.of(2, 96, 2).write(input.resolve("long.safetensors"));
        calibrate(input, recipe()).isDone();
    }

    /** Writes a sample in which tokens of a head are alike, as in every model, or in which nothing is alike. */
    private void write(String folder, String name, List<Long> shape, int tokenAxis, boolean alike) {
        Random random = new Random(name.hashCode());
        int width = shape.get(shape.size() - 1).intValue();
        Capture capture = new Capture();
        for (String tensor : List.of("layers.0.keys", "layers.0.values")) {
            float[] base = new float[1 << 16];
            for (int i = 0; i < base.length; i++) {
                base[i] = alike ? (float) random.nextGaussian() : 0;
            }
            capture.add(tensor, "F32", shape, i -> {
                // The place of a value without its token: what values of a head have in common.
                long place = i % width;
                long rest = i / width;
                for (int axis = shape.size() - 2; axis >= 0; axis--) {
                    place = axis == tokenAxis ? place : place * 131 + rest % shape.get(axis);
                    rest /= shape.get(axis);
                }
                return base[(int) (place & 0xffff)] + 0.5 * random.nextGaussian();
            });
        }
        capture.write(work.resolve(folder).resolve(name + ".safetensors"));
    }

    static Stream<Arguments> captures() {
        return Stream.of(
                Arguments.of(List.of(1L, 30L, 8L, 32L), 1, "layout: BSHD"),
                Arguments.of(List.of(1L, 128L, 32L, 32L), 1, "layout: BSHD"),
                Arguments.of(List.of(1L, 12L, 4L, 32L), 1, "layout: BSHD"),
                Arguments.of(List.of(1L, 20L, 1L, 32L), 1, "layout: BSHD"),
                Arguments.of(List.of(32L, 20L, 128L), 1, "layout: HSD"),
                Arguments.of(List.of(1L, 20L, 512L), 1, "layout: BSHD and kv_heads"),
                Arguments.of(List.of(4L, 20L, 512L), 1, "layout: BSHD and kv_heads"));
    }

    @ParameterizedTest
    @MethodSource("captures")
    void headsThatAreAsAlikeAsTokensAreTokens(List<Long> shape, int tokenAxis, String line) {
        write("in", "a", shape, tokenAxis, true);
        for (Object[] more : List.of(new Object[0], new Object[] {"--dry-run"})) {
            calibrate(work.resolve("in"), recipe(), more).fails(ExitCode.DATA, "a.safetensors", "set " + line);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 16", "1, 128", "2, 32", "5, 32", "7, 16", "3, 64", "40, 32"})
    void shortTextsOfModelsWithManyHeadsAreNoError(long tokens, long heads) {
        for (boolean alike : new boolean[] {true, false}) {
            write("in" + alike, "a", List.of(1L, heads, tokens, 32L), 2, alike);
            calibrate(work.resolve("in" + alike), recipe()).isDone();
            write("hook" + alike, "a", List.of(tokens, heads, 32L), 0, alike);
            calibrate(work.resolve("hook" + alike), recipe()).isDone();
        }
    }

    @Test
    void textsOfDifferentLengthsShowThatTokensAreTokens() {
        write("in", "a", List.of(1L, 32L, 3L, 32L), 2, false);
        write("in", "b", List.of(1L, 32L, 5L, 32L), 2, false);
        assertThat(calibrate(work.resolve("in"), recipe()).isDone().err()).doesNotContain("KV heads");
    }

    @Test
    void differentHeadsWithEqualTokensNameTheLayout() {
        write("in", "a", List.of(1L, 12L, 3L, 32L), 1, false);
        write("in", "b", List.of(1L, 15L, 3L, 32L), 1, false);
        calibrate(work.resolve("in"), recipe())
                .fails(
                        ExitCode.DATA,
                        "15 heads",
                        "b.safetensors",
                        "12 heads",
                        "a.safetensors",
                        "all tensors have 3 tokens",
                        "[batch, tokens, kv_heads, head_dim]",
                        "set layout: BSHD");
        write("hsd", "a", List.of(3L, 12L, 32L), 1, false);
        write("hsd", "b", List.of(3L, 15L, 32L), 1, false);
        calibrate(work.resolve("hsd"), recipe()).fails(ExitCode.DATA, "[kv_heads, tokens, head_dim]", "layout: HSD");
    }

    @ParameterizedTest
    @CsvSource({"3, 9, 60", "8, 32, 1", "60, 20, 60"})
    void aSampleThatIsRepeatedToQueryHeadsIsNoLayout(long one, long other, int tokens) {
        write("in", "a", List.of(1L, one, (long) tokens, 32L), 2, false);
        write("in", "b", List.of(1L, other, (long) tokens, 32L), 2, false);
        Cli run = calibrate(work.resolve("in"), recipe());
        run.fails(
                ExitCode.DATA,
                "b.safetensors",
                Math.max(one, other) + " heads look like",
                "repeated to the query heads");
        assertThat(run.err()).doesNotContain("layout", "[batch");
    }

    static Stream<Arguments> layouts() {
        return Stream.of(
                Arguments.of(List.of(1L, 4L, 30L, 32L), 2, "BHSD", "BSHD"),
                Arguments.of(List.of(1L, 30L, 4L, 32L), 1, "BSHD", "BHSD"),
                Arguments.of(List.of(4L, 30L, 32L), 1, "HSD", "SHD"),
                Arguments.of(List.of(30L, 4L, 32L), 0, "SHD", "HSD"));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void theLayoutOfTheRecipeIsCheckedByValues(List<Long> shape, int tokenAxis, String right, String wrong) {
        write("in", "a", shape, tokenAxis, true);
        Path input = work.resolve("in");
        for (Object[] more : List.of(new Object[0], new Object[] {"--dry-run"})) {
            calibrate(input, recipe("layout: " + wrong), more)
                    .fails(
                            ExitCode.DATA,
                            "30 KV heads of 4 tokens",
                            "a.safetensors",
                            "set layout: " + right + " under");
        }
        calibrate(input, recipe("layout: " + right)).isDone();
        calibrate(input, recipe("layout: " + wrong, "kv_heads: 30")).isDone();
        write("noise", "a", shape, tokenAxis, false);
        calibrate(work.resolve("noise"), recipe("layout: " + wrong)).isDone();
    }

    /** Writes K and V of 3 heads of 32, each repeated to 3 query heads, which are merged with head_dim. */
    private Path mergedQueryHeads() {
        Capture capture = new Capture();
        for (String tensor : List.of("layers.0.keys", "layers.0.values")) {
            Random random = new Random(7);
            float[] values = new float[20 * 3 * 32];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            capture.add(tensor, "F32", List.of(20L, 288L), i -> values[i / 96 * 32 + i % 32]);
        }
        capture.write(work.resolve("merged").resolve("a.safetensors"));
        return work.resolve("merged");
    }

    @Test
    void queryHeadsThatAreMergedAreFound() {
        calibrate(mergedQueryHeads(), recipe("kv_heads: 3"))
                .fails(ExitCode.DATA, "each head of 96 values holds the same 32 values 3 times", "before repeat_kv");
        Path config = Folder.write(
                work.resolve("config.json"),
                CONFIG.replace("heads\": 4", "heads\": 9")
                        .replace("heads\": 2", "heads\": 3")
                        .replace("128", "288"));
        calibrate(mergedQueryHeads(), recipe(), "--model-config", config)
                .fails(ExitCode.DATA, "3 heads of 96, config.json says 3 of 32", "repeated to the 9 query heads");
    }

    @Test
    void aMaskShowsTheLayout() {
        Capture capture = new Capture();
        for (String tensor : List.of("layers.0.keys", "layers.0.values")) {
            capture.add(tensor, "BF16", List.of(2L, 20L, 3L, 32L), Capture.random(tensor.length()));
        }
        Path input = work.resolve("in");
        capture.add("attention_mask", "I64", List.of(2L, 20L), i -> 1).write(input.resolve("a.safetensors"));
        calibrate(input, recipe()).fails(ExitCode.DATA, "the mask has shape [2,20]", "set layout: BSHD");
        calibrate(input, recipe("layout: BSHD")).isDone();
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
