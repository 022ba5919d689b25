package io.kvscale.job.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged and hostile model folders end in a clean error or a verdict, soon and within bounded memory. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileCheckpointTest {
    private static final int ROUNDS = 400;

    private static final List<String> PIECES = List.of(
            "null",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "1e999999999",
            "-1",
            "99999999999999999999",
            "NaN",
            "../x",
            "\u0000",
            ":",
            ",",
            "model.layers.99999.self_attn.k_scale",
            "attn_head",
            "quark",
            "modelopt",
            "[]",
            "{}");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "config.json",
                "hf_quant_config.json",
                "model.safetensors.index.json",
                "model.safetensors",
                "quant_model_description.json"
            })
    void damagedFilesEndInACleanErrorOrAVerdict(String file) throws IOException {
        Path damaged = model().resolve(file);
        byte[] whole = Files.readAllBytes(damaged);
        Random random = new Random(17);
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] bytes = mutated(whole, random);
            Files.write(damaged, bytes);
            try {
                Checkpoint checkpoint = Checkpoint.read(folder.toString());
                AttentionNames names = AttentionNames.of(checkpoint);
                for (String target : ScaleCheck.targets()) {
                    assertThat(ScaleCheck.run(target, checkpoint, names, Set.of())
                                    .layers())
                            .hasSizeLessThanOrEqualTo(2);
                }
                read++;
            } catch (InvalidDataException e) {
                assertThat(e.getMessage().lines().count()).as(e.getMessage()).isBetween(2L, 3L);
                assertThat(e.getMessage()).doesNotContain("Exception:");
            }
        }
        assertThat(read).isBetween(1, ROUNDS - 1);
    }

    private Path model() {
        return CheckpointFolder.llama(folder, 2)
                .quantization("{\"quant_method\": \"compressed-tensors\", \"config_groups\": {}, \"kv_cache_scheme\":"
                        + " {\"num_bits\": 8, \"type\": \"float\", \"symmetric\": true, \"strategy\": \"tensor\"}}")
                .text(
                        "hf_quant_config.json",
                        "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": \"FP8\","
                                + " \"kv_cache_quant_algo\": \"NVFP4\", \"exclude_modules\": [\"lm_head\"]}}")
                .text("quant_model_description.json", "{\"kv_cache_type\": \"C8\", \"a.weight\": \"FLOAT\"}")
                .scale("model.layers.0.self_attn.k_scale", 0.5f)
                .scale("model.layers.0.self_attn.v_proj.v_scale", 0.5f)
                .index()
                .write();
    }

    private static byte[] mutated(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        for (int times = 1 + random.nextInt(3); times > 0; times--) {
            int at = random.nextInt(bytes.length);
            int end = Math.min(bytes.length, at + random.nextInt(20));
            byte[] middle = switch (random.nextInt(4)) {
                case 0 -> new byte[] {(byte) random.nextInt(256)};
                case 1 -> new byte[0];
                case 2 -> Arrays.copyOfRange(bytes, at / 2, at);
                default -> PIECES.get(random.nextInt(PIECES.size())).getBytes(StandardCharsets.UTF_8);
            };
            byte[] next = new byte[at + middle.length + bytes.length - end];
            System.arraycopy(bytes, 0, next, 0, at);
            System.arraycopy(middle, 0, next, at, middle.length);
            System.arraycopy(bytes, end, next, at + middle.length, bytes.length - end);
            bytes = next.length == 0 ? new byte[1] : next;
        }
        return bytes;
    }

    @Test
    void aPipeIsNotWaitedFor() throws Exception {
        Path pipe = model().resolve("config.json");
        Files.delete(pipe);
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        refused("this is a pipe, a device or a socket");
    }

    @Test
    void jsonOfMillionsOfValuesIsRefused() throws IOException {
        Files.writeString(model().resolve("config.json"), "{\"a\": [" + "0,".repeat(4_100_000) + "0]}");
        refused("more than 4000000 names, values and brackets");
    }

    @Test
    void aLongFileOfJsonIsRefused() throws IOException {
        Files.writeString(model().resolve("config.json"), "{\"a\": \"" + "x".repeat(17 << 20) + "\"}");
        refused("the file has more than 16777216 bytes");
    }

    @Test
    void aHeaderThatClaimsMoreThanItsFileIsRefused() throws IOException {
        Path file = model().resolve("model.safetensors");
        Files.write(file, new byte[] {0, 0, 0, 5, 0, 0, 0, 0, '{', '}'});
        refused("expected a header of 83886080 bytes, got a file with only 2 bytes");
        Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'});
        refused("got a length of 18446744073709551615");
    }

    @Test
    void scalesOfManyFilesAreBoundedTogether() {
        CheckpointFolder model = CheckpointFolder.llama(folder, 1);
        for (int file = 0; file < 3; file++) {
            model.file("s" + file + ".safetensors")
                    .tensor(file + ".k_scale", "F32", List.of(400_000L), new byte[1_600_000]);
        }
        model.write();
        refused("this scale has 400000 elements; all scales of a model have at most 1000000");
    }

    @Test
    void aLinkToItselfIsNamed() throws IOException {
        Path file = model().resolve("model.safetensors");
        Files.delete(file);
        Files.createSymbolicLink(file, Path.of("model.safetensors"));
        refused("the file is a link to a file that does not exist");
    }

    private void refused(String part) {
        assertThatThrownBy(() -> Checkpoint.read(folder.toString()))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(part);
    }
}
