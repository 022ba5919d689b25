package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every supported layout gives the same scales for the same values. */
class LayoutTest {
    private static final int HEADS = 3;
    private static final int WIDTH = 16;
    private static final int TOKENS = 5;
    private static final String CHANNELS = "num_bits: 8, type: int, strategy: channel, symmetric: false";

    @TempDir
    private Path work;

    private Path input = Path.of("");

    @BeforeEach
    void setInput() {
        input = work.resolve("in");
    }

    /** The value at these indices. */
    private static double value(int layer, int role, int head, int token, int d) {
        int mixed = ((layer * 2 + role) * 31 + head) * 31 + token * 7 + d * 13 + head * d * 3;
        return (mixed % 97 - 40) / 8.0;
    }

    private static IntToDoubleFunction headMajor(int layer, int role) {
        return i -> value(layer, role, i / (TOKENS * WIDTH) % HEADS, i / WIDTH % TOKENS, i % WIDTH);
    }

    private static IntToDoubleFunction tokenMajor(int layer, int role) {
        return i -> value(layer, role, i / WIDTH % HEADS, i / (WIDTH * HEADS), i % WIDTH);
    }

    private static final List<Long> BHSD = List.of(1L, (long) HEADS, (long) TOKENS, (long) WIDTH);
    private static final List<Long> SHD = List.of((long) TOKENS, (long) HEADS, (long) WIDTH);
    private static final List<Long> MERGED = List.of((long) TOKENS, (long) HEADS * WIDTH);

    private SortedMap<Slot, SlotScales> calibrate(String... rest) {
        Path output = work.resolve("out");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, CHANNELS, rest),
                        "--input",
                        input,
                        "--output",
                        output,
                        "--overwrite",
                        "--partitions",
                        3)
                .isDone();
        return Folder.scales(output).slots();
    }

    /** Checks the range of every channel of two layers against the values. */
    private static void assertRanges(SortedMap<Slot, SlotScales> slots) {
        assertThat(slots).hasSize(4);
        for (int layer = 0; layer < 2; layer++) {
            for (Role role : Role.CACHED) {
                SlotScales scales = Objects.requireNonNull(slots.get(new Slot(layer, role)));
                float[] min = new float[HEADS * WIDTH];
                float[] max = new float[HEADS * WIDTH];
                Arrays.fill(min, Float.POSITIVE_INFINITY);
                Arrays.fill(max, Float.NEGATIVE_INFINITY);
                for (int head = 0; head < HEADS; head++) {
                    for (int token = 0; token < TOKENS; token++) {
                        for (int d = 0; d < WIDTH; d++) {
                            int channel = head * WIDTH + d;
                            float x = (float) value(layer, role.ordinal(), head, token, d);
                            min[channel] = Math.min(min[channel], x);
                            max[channel] = Math.max(max[channel], x);
                        }
                    }
                }
                assertThat(scales.geometry().heads()).isEqualTo(HEADS);
                assertThat(scales.rangeMin()).as(layer + " " + role).isEqualTo(min);
                assertThat(scales.rangeMax()).as(layer + " " + role).isEqualTo(max);
                assertThat(scales.count()).isEqualTo((long) HEADS * TOKENS * WIDTH);
            }
        }
    }

    private void write(String keys, String values, List<Long> shape, boolean tokenMajor) {
        Capture capture = new Capture();
        for (int layer = 0; layer < 2; layer++) {
            capture.add(
                    keys.replace("N", "" + layer),
                    "F16",
                    shape,
                    tokenMajor ? tokenMajor(layer, 0) : headMajor(layer, 0));
            capture.add(
                    values.replace("N", "" + layer),
                    "F16",
                    shape,
                    tokenMajor ? tokenMajor(layer, 1) : headMajor(layer, 1));
        }
        capture.write(input.resolve("a.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "layers.N.keys,layers.N.values",
                "key_cache.N,value_cache.N",
                "present.N.key,present.N.value",
                "past_key_values.N.key,past_key_values.N.value",
                "model.layers.N.self_attn.k_cache,model.layers.N.self_attn.v_cache"
            })
    void tensorNamesOfCommonToolsAreRecognized(String names) {
        write(names.split(",")[0], names.split(",")[1], BHSD, false);
        assertRanges(calibrate());
    }

    @Test
    void regularExpressionsMatchOtherNames() {
        write("block_N/K", "block_N/V", BHSD, false);
        assertRanges(calibrate(
                "kvscale: {key: {tensors: 'block_(?P<layer>\\d+)/K'}, value: {tensors: 'block_(?<layer>\\d+)/V'}}"));
    }

    @Test
    void theSequenceFirstLayoutIsRead() {
        write("model.layers.N.self_attn.k", "model.layers.N.self_attn.v", SHD, true);
        assertRanges(calibrate());
    }

    @Test
    void theRecipeCanSplitMergedHeads() {
        write("layers.N.keys", "layers.N.values", MERGED, true);
        assertRanges(calibrate("kvscale: {kv_heads: 3}"));
        assertRanges(calibrate("kvscale: {head_dim: 16}"));
        Cli.run("calibrate", "--recipe", Folder.recipe(work, CHANNELS), "--input", input, "--output", work.resolve("x"))
                .fails(ExitCode.DATA, "a.safetensors", "layers.0.keys", "kv_heads");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, CHANNELS, "kvscale: {kv_heads: 5}"),
                        "--input",
                        input,
                        "--output",
                        work.resolve("x"))
                .fails(ExitCode.DATA, "a.safetensors", "layers.0.keys", "kv_heads");
    }

    @Test
    void theFilesMetadataCanSplitMergedHeads() {
        Capture capture = new Capture().metadata("kv_heads", "3");
        for (int layer = 0; layer < 2; layer++) {
            capture.add("layers." + layer + ".keys", "BF16", MERGED, tokenMajor(layer, 0));
            capture.add("layers." + layer + ".values", "BF16", MERGED, tokenMajor(layer, 1));
        }
        capture.write(input.resolve("a.safetensors"));
        assertRanges(calibrate());
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, CHANNELS, "kvscale: {kv_heads: 6}"),
                        "--input",
                        input,
                        "--output",
                        work.resolve("x"))
                .fails(ExitCode.DATA, "a.safetensors", "kv_heads");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectorRequestIsAFolderOfLayers(boolean merged) {
        List<Long> shape = merged
                ? List.of(2L, (long) TOKENS, (long) HEADS * WIDTH)
                : List.of(2L, (long) TOKENS, (long) HEADS, (long) WIDTH);
        int roleSize = TOKENS * HEADS * WIDTH;
        for (int layer = 0; layer < 2; layer++) {
            int n = layer;
            new Capture()
                    .add(
                            "kv_cache",
                            "F32",
                            shape,
                            i -> tokenMajor(n, i / roleSize).applyAsDouble(i % roleSize))
                    .write(input.resolve("0f1e2d/model.layers." + layer + ".self_attn.attn.safetensors"));
        }
        SortedMap<Slot, SlotScales> slots = calibrate("kvscale: {kv_heads: 3}");
        assertRanges(slots);
        assertThat(slots.values()).extracting(SlotScales::minSample).containsOnly("0f1e2d");
        // If the input is the folder of the request, the sample still has its name.
        input = input.resolve("0f1e2d");
        slots = calibrate("kvscale: {kv_heads: 3}");
        assertRanges(slots);
        assertThat(slots.values()).extracting(SlotScales::maxSample).containsOnly("0f1e2d");
    }

    @ParameterizedTest
    @ValueSource(strings = {"I64", "I32", "U8", "BOOL"})
    void paddingIsIgnored(String dtype) {
        Capture capture = new Capture();
        // Row 1 is left-padded by two tokens whose values would widen every range.
        long padded = TOKENS + 2;
        for (int layer = 0; layer < 2; layer++) {
            for (int role = 0; role < 2; role++) {
                int l = layer;
                int r = role;
                capture.add(
                        "layers." + layer + (role == 0 ? ".keys" : ".values"),
                        "BF16",
                        List.of(2L, (long) HEADS, padded, (long) WIDTH),
                        i -> {
                            int token = (int) (i / WIDTH % padded);
                            boolean second = i >= HEADS * padded * WIDTH;
                            int head = (int) (i / (WIDTH * padded) % HEADS);
                            boolean real = second ? token >= 2 : token < TOKENS;
                            int at = second ? token - 2 : token;
                            return real ? value(l, r, head, at, i % WIDTH) : 100;
                        });
            }
        }
        capture.add(
                        "attention_mask",
                        dtype,
                        List.of(2L, padded),
                        i -> i < padded ? (i < TOKENS ? 1 : 0) : (i - padded >= 2 ? 1 : 0))
                .write(input.resolve("batch.safetensors"));
        SortedMap<Slot, SlotScales> slots = calibrate();
        slots.forEach((slot, scales) -> {
            assertThat(scales.max()).isLessThan(100);
            assertThat(scales.count()).isEqualTo(2L * HEADS * TOKENS * WIDTH);
            assertThat(scales.minSample()).isEqualTo("batch#0");
        });
        assertThat(calibrate("kvscale: {mask: none}").values())
                .extracting(SlotScales::max)
                .containsOnly(100f);
        assertThat(calibrate("kvscale: {mask: attention_mask}")).hasSameSizeAs(slots);
    }

    @Test
    void severalInputsNameSamplesByTheirFolders() {
        Capture.of(1, 3, 1).write(work.resolve("x/one/a.safetensors"));
        Capture.of(1, 3, 2).write(work.resolve("y/two/a.safetensors"));
        Capture.of(1, 3, 3).write(work.resolve("z/plain.bin"));
        Path output = work.resolve("out");
        Path recipe = Folder.recipe(work, CHANNELS);
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--input",
                        work.resolve("x/one"),
                        work.resolve("y/*/*.safetensors"),
                        "--input",
                        work.resolve("z/plain.bin"),
                        "--output",
                        output)
                .isDone();
        assertThat(Folder.scales(output).corpus().files()).isEqualTo(3);
        assertThat(Folder.scales(output).slots().values())
                .extracting(SlotScales::minSample)
                .isSubsetOf("one/a", "y/two/a", "z/plain");
    }
}
