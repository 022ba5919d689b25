package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Samples that lack something, are padded or repeat are named, and the messages do not depend on the partitions. */
class CulpritTest {
    private static final int TOKENS = 20;
    private static final int HEADS = 2;
    private static final int HEAD_DIM = 32;

    @TempDir
    private Path work;

    private Path input = Path.of("");

    private Path recipe(String... rest) {
        return Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor, symmetric: true", rest);
    }

    private Cli calibrate(Path recipe, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--output", work.resolve("out"), "--overwrite"));
        Collections.addAll(words, more);
        if (!words.contains("--table")) {
            words.addAll(List.of("--input", input));
        }
        return Cli.run(words.toArray());
    }

    private void write(int samples, int first) {
        input = work.resolve("in");
        for (int i = first; i < samples; i++) {
            Capture.of(3, TOKENS, 10 * i).write(input.resolve("sample-" + i + ".safetensors"));
        }
    }

    /** Checks the error, that a dry run has the same one, and that the partitions do not change it. */
    private String refused(String... parts) {
        String error = calibrate(recipe(), "--partitions", 1)
                .fails(ExitCode.DATA, parts)
                .err();
        for (int partitions : new int[] {3, 100}) {
            assertThat(calibrate(recipe(), "--partitions", partitions).err()).isEqualTo(error);
        }
        return error;
    }

    private void refusedByDryRun(String error) {
        Cli dry = calibrate(recipe(), "--dry-run");
        assertThat(dry.code()).isEqualTo(ExitCode.DATA);
        assertThat(dry.err()).isEqualTo(error);
    }

    private String warned(String... parts) {
        String warnings = calibrate(recipe(), "--partitions", 1).isDone().err();
        assertThat(parts).allSatisfy(part -> assertThat(warnings).contains(part));
        for (int partitions : new int[] {3, 100}) {
            assertThat(calibrate(recipe(), "--partitions", partitions).isDone().err())
                    .isEqualTo(warnings);
        }
        return warnings;
    }

    @Test
    void theFileWithoutVOfALayerIsNamed() {
        write(5, 0);
        new Capture()
                .pair(0, TOKENS, 1)
                .key(1, TOKENS, 2)
                .pair(2, TOKENS, 3)
                .write(input.resolve("sample-3.safetensors"));
        refusedByDryRun(refused(
                "this sample lacks layer 1 value (1 of 5 samples)",
                "in file sample-3.safetensors, layer 1 value, sample sample-3",
                "capture this sample again"));
    }

    @Test
    void ofSeveralIncompleteSamplesTheFirstAreNamedAndAllCounted() {
        write(9, 0);
        for (int i : new int[] {8, 2, 5, 7}) {
            new Capture().pair(0, TOKENS, i).pair(2, TOKENS, 3).write(input.resolve("sample-" + i + ".safetensors"));
        }
        refusedByDryRun(refused(
                "lacks layer 1 key, layer 1 value (4 of 9 samples: sample-2, sample-5, sample-7, ...)",
                "in file sample-2.safetensors"));
    }

    @Test
    void samplesThatLackALayerAreNotCountedTogetherWithUnevenOnes() {
        write(9, 0);
        for (int i : new int[] {2, 7}) {
            new Capture()
                    .pair(0, TOKENS, i)
                    .pair(1, 8, 3 + i)
                    .pair(2, TOKENS, 5 + i)
                    .write(input.resolve("sample-" + i + ".safetensors"));
        }
        new Capture().pair(0, TOKENS, 1).pair(2, TOKENS, 3).write(input.resolve("sample-5.safetensors"));
        String error = refused(
                "lacks layer 1 key, layer 1 value (1 of 9 samples; in 2 others, slots differ in their tokens)",
                "in file sample-5.safetensors");
        assertThat(error).doesNotContain("window");
        refusedByDryRun(error);
    }

    @Test
    void tokensThatCompensateEachOtherAreFound() {
        write(4, 0);
        for (int i : new int[] {1, 2}) {
            new Capture()
                    .pair(0, TOKENS, i)
                    .pair(1, i == 1 ? TOKENS - 5 : TOKENS + 5, 3 + i)
                    .pair(2, TOKENS, 5 + i)
                    .write(input.resolve("sample-" + i + ".safetensors"));
        }
        refusedByDryRun(refused(
                "holds 15 tokens of layer 1 key, but 20 of most slots; 1 more differ",
                "(2 of 4 samples: sample-1, sample-2)",
                "in file sample-1.safetensors"));
    }

    @Test
    void rolesInFilesOfSeveralNamesAreAccepted() {
        input = work.resolve("in");
        for (int i = 0; i < 2; i++) {
            new Capture().key(0, TOKENS, i).key(1, TOKENS, 3 + i).write(input.resolve("keys-" + i + ".safetensors"));
            new Capture()
                    .value(0, TOKENS, 5 + i)
                    .value(1, TOKENS, 7 + i)
                    .write(input.resolve("values-" + i + ".safetensors"));
        }
        calibrate(recipe()).isDone();
    }

    @Test
    void samplesThatAllLackSomethingAreNotBlamedOnAWindow() {
        input = work.resolve("in");
        new Capture().pair(0, TOKENS, 1).pair(1, TOKENS, 2).write(input.resolve("sample-1.safetensors"));
        new Capture().pair(0, TOKENS, 3).pair(2, TOKENS, 5).write(input.resolve("sample-2.safetensors"));
        new Capture().pair(1, 12, 3).pair(2, TOKENS, 5).write(input.resolve("sample-0.safetensors"));
        String error = refused("none of the 3 samples holds all slots", "capture the whole cache of each sample");
        assertThat(error).doesNotContain("window");
        refusedByDryRun(error);
    }

    @Test
    void theSampleOfAPairIsNamedWhereLayersDiffer() {
        write(4, 0);
        for (int i = 0; i < 4; i++) {
            new Capture()
                    .pair(0, TOKENS, i)
                    .pair(1, 8, 3 + i)
                    .key(2, TOKENS, 5 + i)
                    .value(2, i == 3 ? TOKENS - 2 : TOKENS, 5 + i)
                    .write(input.resolve("sample-" + i + ".safetensors"));
        }
        calibrate(recipe("kvscale: {hybrid: true}"))
                .fails(
                        ExitCode.DATA,
                        "holds 18 tokens of layer 2 value, but 20 of the other role (1 of 4 samples)",
                        "in file sample-3.safetensors");
    }

    @Test
    void aDryRunNamesTheFirstSampleOfALayerWithoutV() {
        input = work.resolve("in");
        for (int i = 0; i < 2; i++) {
            new Capture().pair(0, TOKENS, i).key(1, TOKENS, 3).write(input.resolve("sample-" + i + ".safetensors"));
        }
        refusedByDryRun(refused("has the key of this layer, but no value", "in file sample-0.safetensors"));
    }

    @Test
    void theRequestOfAConnectorThatLacksAFileIsNamed() {
        input = work.resolve("in");
        for (int request = 0; request < 3; request++) {
            for (int layer = 0; layer < 4; layer++) {
                if (request != 1 || layer != 2) {
                    new Capture()
                            .add("kv_cache", "BF16", List.of(2L, 16L, 2L, 32L), Capture.random(10 * request + layer))
                            .write(input.resolve(
                                    "req-" + request + "/model.layers." + layer + ".self_attn.attn.safetensors"));
                }
            }
        }
        refusedByDryRun(refused("lacks layer 2 key, layer 2 value (1 of 3 samples)", "sample req-1"));
    }

    @Test
    void noSampleIsNamedWhereAllDiffer() {
        write(2, 0);
        for (int i = 0; i < 2; i++) {
            new Capture()
                    .pair(0, TOKENS, i)
                    .pair(1, 8, 3 + i)
                    .pair(2, TOKENS, 5 + i)
                    .write(input.resolve("sample-" + i + ".safetensors"));
        }
        String error = refused("16 tokens", "40", "none of the 2 samples", "sliding window", "in layer 1 key");
        assertThat(error).doesNotContain("sample-0");
        refusedByDryRun(error);
        Path config = Folder.write(
                work.resolve("config.json"),
                "{\"model_type\": \"llama\", \"num_hidden_layers\": 3, \"num_attention_heads\": " + HEADS
                        + ", \"head_dim\": " + HEAD_DIM + ", \"hidden_size\": 64}");
        assertThat(calibrate(recipe(), "--model-config", config)
                        .fails(ExitCode.DATA, "none of the 2 samples", "give the config.json of the model")
                        .err())
                .doesNotContain("--model-config");
    }

    @AfterEach
    void dropViews() {
        Table.session().catalog().dropTempView("kv");
    }

    @Test
    void theSampleOfATableThatLacksARowIsNamed() {
        SharedSpark.context();
        List<Row> rows = new ArrayList<>(Table.rows(5, 2));
        rows.removeIf(row -> row.getString(0).equals("sample-03")
                && row.getInt(1) == 1
                && row.getString(2).equals("key"));
        List<String> errors = new ArrayList<>();
        for (int partitions : new int[] {1, 7}) {
            Table.of(rows, Table.SCHEMA).repartition(partitions).createOrReplaceTempView("kv");
            for (String more : new String[] {"--quiet", "--dry-run"}) {
                errors.add(calibrate(recipe(), "--table", "kv", more)
                        .fails(ExitCode.DATA, "lacks layer 1 key (1 of 5 samples)", "sample sample-03")
                        .err());
            }
        }
        assertThat(errors).containsOnly(errors.get(0));
    }

    @Test
    void statisticsSayWhatToRun() {
        write(3, 0);
        new Capture().pair(0, TOKENS, 1).pair(1, 8, 2).pair(2, TOKENS, 3).write(input.resolve("sample-1.safetensors"));
        calibrate(recipe("kvscale: {hybrid: true}")).isDone();
        Cli.run(
                        "scales",
                        "--statistics",
                        work.resolve("out/statistics.kvstats"),
                        "--recipe",
                        recipe(),
                        "--output",
                        work.resolve("again"))
                .fails(ExitCode.DATA, "48 tokens", "60", "kvscale calibrate --dry-run");
    }

    /** K or V in which some tokens are replaced; the shape is {@code [1, heads, tokens, head_dim]}. */
    private static Capture padded(int tokens, int from, int to, double pad, long seed) {
        Capture capture = new Capture();
        for (int layer = 0; layer < 3; layer++) {
            for (String role : List.of("keys", "values")) {
                IntToDoubleFunction real = Capture.random(seed++);
                boolean here = pad == 0 || layer == 0 && role.equals("values");
                capture.add(
                        "layers." + layer + "." + role,
                        "BF16",
                        List.of(1L, (long) HEADS, (long) tokens, (long) HEAD_DIM),
                        i -> {
                            int token = i / HEAD_DIM % tokens;
                            return here && token >= from && token < to
                                    ? pad * (1 + i % HEAD_DIM)
                                    : real.applyAsDouble(i);
                        });
            }
        }
        return capture;
    }

    @Test
    void paddingOfATableIsNotSaidToNeedAMask() {
        SharedSpark.context();
        List<Row> rows = Table.rows(5, 2).stream()
                .map(row -> {
                    byte[] values = row.<byte[]>getAs(5).clone();
                    int head = values.length / Table.HEADS;
                    for (int end = head; end <= values.length; end += head) {
                        Arrays.fill(values, end - 2 * Table.HEAD_DIM, end, (byte) 0);
                    }
                    return RowFactory.create(row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), values);
                })
                .toList();
        Table.of(rows, Table.SCHEMA).createOrReplaceTempView("kv");
        assertThat(calibrate(recipe(), "--table", "kv")
                        .fails(ExitCode.DATA, "cut the padding off (allow_zero: true")
                        .err())
                .doesNotContain("mask");
    }

    @Test
    void zerosAtTheEndOfEverySlotAreRefused() {
        write(4, 0);
        padded(30, 19, 30, 0, 5).write(input.resolve("sample-2.safetensors"));
        refused(
                "the last 11 of 30 tokens of this sample are zero in every head of layers 0 and 2, in K and V",
                "(1 of 4 samples)",
                "in file sample-2.safetensors",
                "attention_mask",
                "mask: NAME",
                "allow_zero: true");
        assertThat(calibrate(recipe("kvscale: {mask: none}"))
                        .fails(ExitCode.DATA, "correct mask: none")
                        .err())
                .doesNotContain("attention_mask");
        calibrate(recipe("kvscale: {allow_zero: true}")).isDone();
        padded(30, 0, 1, 0, 5).write(input.resolve("sample-2.safetensors"));
        refused("the first 1 of 30 tokens");
        padded(30, 10, 20, 0, 5).write(input.resolve("sample-2.safetensors"));
        calibrate(recipe()).isDone();
    }

    @Test
    void zerosOfOneSlotOnlyAreNoPadding() {
        write(3, 0);
        Capture capture = new Capture().pair(0, TOKENS, 1).pair(1, TOKENS, 2).key(2, TOKENS, 3);
        IntToDoubleFunction real = Capture.random(9);
        capture.add(
                        "layers.2.values",
                        "BF16",
                        List.of(1L, 2L, 20L, 32L),
                        i -> i / 32 % 20 > 15 ? 0 : real.applyAsDouble(i))
                .write(input.resolve("sample-1.safetensors"));
        calibrate(recipe()).isDone();
    }

    /** A StaticCache: layers with a sliding window hold fewer tokens, and no padding once the text is longer. */
    @Test
    void zerosAreFoundBesideLayersWithASlidingWindow() {
        input = work.resolve("in");
        for (int n = 0; n < 2; n++) {
            Capture capture = new Capture();
            for (int layer = 0; layer < 4; layer++) {
                int tokens = layer % 2 == 0 ? 16 : 300;
                for (String role : List.of("keys", "values")) {
                    IntToDoubleFunction real = Capture.random(n * 100 + layer * 2 + role.length());
                    capture.add(
                            "layers." + layer + "." + role,
                            "BF16",
                            List.of(1L, (long) HEADS, (long) tokens, (long) HEAD_DIM),
                            i -> tokens == 300 && i / HEAD_DIM % tokens > 49 ? 0 : real.applyAsDouble(i));
                }
            }
            capture.write(input.resolve("sample-" + n + ".safetensors"));
        }
        Cli bad = calibrate(recipe("kvscale: {hybrid: true}"));
        assertThat(bad.code()).isEqualTo(ExitCode.DATA);
        assertThat(bad.err())
                .contains(
                        "at least the last 128 of 300 tokens of this sample are zero in every head of layers 1 and 3",
                        "(2 of 2 samples: sample-0, sample-1)");
    }

    @Test
    void equalTokensAtAnEndAreReported() {
        write(4, 0);
        padded(30, 0, 9, 0.25, 5).write(input.resolve("sample-1.safetensors"));
        padded(30, 22, 30, 0.25, 5).write(input.resolve("sample-3.safetensors"));
        warned(
                "the first 9 of 30 tokens have the same V",
                "(2 of 4 samples: sample-1, sample-3)",
                "in file sample-1.safetensors, layer 0 value",
                "attention_mask");
        for (int i : new int[] {1, 3}) {
            padded(30, 23, 30, 0.25, i).write(input.resolve("sample-" + i + ".safetensors"));
        }
        assertThat(warned()).doesNotContain("padding");
    }

    @Test
    void maskedTokensAreNotLookedAt() {
        input = work.resolve("in");
        for (double pad : new double[] {0, 0.25}) {
            Capture capture = padded(30, 20, 30, pad, 5);
            capture.add("attention_mask", "I64", List.of(1L, 30L), i -> i < 20 ? 1 : 0)
                    .write(input.resolve("sample-0.safetensors"));
            assertThat(warned()).doesNotContain("padding?");
            padded(30, 20, 30, pad, 5)
                    .add("attention_mask", "I64", List.of(1L, 30L), i -> i < 29 ? 1 : 0)
                    .write(input.resolve("sample-0.safetensors"));
            if (pad == 0) {
                Cli bad = calibrate(recipe());
                assertThat(bad.code()).isEqualTo(ExitCode.DATA);
                assertThat(bad.err()).contains("the last 9 of 29 tokens of this sample are zero");
            } else {
                warned("the last 9 of 29 tokens have the same V");
            }
        }
    }

    @Test
    void aCopiedFileIsReported() {
        write(5, 0);
        Capture.of(3, TOKENS, 20).write(input.resolve("copy.safetensors"));
        String warnings =
                warned("sample copy (copy.safetensors) and sample sample-2 (sample-2.safetensors)", "count twice");
        assertThat(warnings).doesNotContain("others");
        Capture.of(3, TOKENS, 20).write(input.resolve("copy-2.safetensors"));
        Capture.of(3, TOKENS, 30).write(input.resolve("copy-3.safetensors"));
        warned("sample copy (copy.safetensors) and sample copy-2 (copy-2", "3 samples are copies of others");
    }

    @Test
    void namesThatLookLikeKAndVGiveARecipe() {
        input = work.resolve("in");
        Capture capture = new Capture().add("blocks.0.mlp", "F32", List.of(4L), i -> i);
        List<Long> shape = List.of(1L, 2L, 20L, 32L);
        for (int layer = 0; layer < 2; layer++) {
            capture.add("blocks." + layer + ".attn.0.Key_out", "BF16", shape, Capture.random(layer));
            capture.add("blocks." + layer + ".attn.0.Value_out", "BF16", shape, Capture.random(9 + layer));
        }
        capture.write(input.resolve("a.safetensors"));
        String keys = "'^blocks\\.(?P<layer>\\d+)\\.attn\\.0\\.Key_out$'";
        String values = "'^blocks\\.(?P<layer>\\d+)\\.attn\\.0\\.Value_out$'";
        String suggested = "kvscale: {key: {tensors: " + keys + "}, value: {tensors: " + values + "}}";
        refusedByDryRun(refused(
                        "no K or V of any layer was found",
                        "blocks.0.attn.0.Key_out",
                        "in file a.safetensors",
                        "write in the recipe: " + suggested)
                .lines()
                .filter(line -> !line.contains("warning"))
                .reduce("", (a, b) -> a + b + System.lineSeparator()));
        calibrate(recipe(suggested)).isDone();
        assertThat(Folder.scales(work.resolve("out")).slots()).hasSize(4);
    }

    @Test
    void theRecipeIsNamedWhereItLeavesOutEveryLayer() {
        write(2, 0);
        calibrate(recipe("kvscale: {targets: 'layers.77'}"))
                .fails(ExitCode.DATA, "sample-0.safetensors", "targets and ignore of the recipe leave out every layer");
    }
}
