package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranges of K that hold at every position, from norms of RoPE pairs. */
class EnvelopeCommandTest {
    private static final Path CONFIG = Folder.HOME.resolve("conf/smollm2");
    private static final String ENVELOPE = "keys: {envelope: true}";

    @TempDir
    private Path work;

    private Path recipe(String scheme, String kvscale) {
        return Folder.write(
                work.resolve(Integer.toHexString((scheme + kvscale).hashCode()) + ".yaml"),
                "{kv_cache_scheme: {" + scheme + "}, kvscale: {" + kvscale + "}}");
    }

    private static String fp8(String strategy) {
        return "num_bits: 8, type: float, strategy: " + strategy;
    }

    private Cli calibrate(Path recipe, String out, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--input", Folder.SAMPLE, "--output", work.resolve(out)));
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private float[] keys(String out, int layer) {
        ScaleTable table = ScaleTable.fromJson(Folder.bytes(work.resolve(out).resolve("kv_scales.json")));
        return Objects.requireNonNull(table.slots().get(new Slot(layer, Role.KEY)))
                .scale();
    }

    private Path statistics(String out) {
        return work.resolve(out).resolve("statistics.kvstats");
    }

    /** The expected numbers come from NumPy, and share no code with kvscale. */
    @Test
    void scalesOfTheSampleAreThoseOfNumPy() throws Exception {
        calibrate(recipe(fp8("tensor"), ENVELOPE), "tensor", "--model-config", CONFIG)
                .isDone();
        assertThat(keys("tensor", 0)).containsExactly(0.02162525f);
        assertThat(keys("tensor", 17)).containsExactly(0.034163456f);
        assertThat(keys("tensor", 29)).containsExactly(0.029592361f);
        derive("head", recipe(fp8("attn_head"), ENVELOPE)).isDone();
        assertThat(keys("head", 0)).containsExactly(0.014780707f, 0.02162525f, 0.012707263f);
        assertThat(keys("head", 29)).containsExactly(0.027349357f, 0.029592361f, 0.026326982f);
        derive("channel", recipe("strategy: channel", ENVELOPE)).isDone();
        MessageDigest all = MessageDigest.getInstance("SHA-256");
        for (int layer = 0; layer < 30; layer++) {
            ByteBuffer bytes = ByteBuffer.allocate(4 * 192).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(keys("channel", layer));
            all.update(bytes);
        }
        assertThat(HexFormat.of().formatHex(all.digest()))
                .isEqualTo("ae6bea01d95173ee424183c1f28352f2039ca152bc4966a6d75dbfdb949457a1");
        // V is not rotated, and engines that take one scheme for both see no observer.
        assertThat(Folder.content(work.resolve("tensor"))).containsKey("vllm/model-kvscales.safetensors");
        derive("plain", recipe(fp8("tensor"), "")).isDone();
        ScaleTable plain = ScaleTable.fromJson(Folder.bytes(work.resolve("plain/kv_scales.json")));
        ScaleTable table = ScaleTable.fromJson(Folder.bytes(work.resolve("tensor/kv_scales.json")));
        table.slots().forEach((slot, scales) -> {
            float[] before = Objects.requireNonNull(plain.slots().get(slot)).scale();
            if (slot.role() == Role.VALUE) {
                assertThat(scales.scale()).isEqualTo(before);
            } else {
                assertThat(scales.scale()[0]).isGreaterThanOrEqualTo(before[0]);
            }
        });
        assertThat(Folder.json(work.resolve("tensor/kv_scales.json"))
                        .at("/scheme/observer")
                        .asText())
                .isEqualTo("envelope");
        assertThat(Folder.json(work.resolve("tensor/kv_scales.json"))
                        .at("/layers/0/value/scheme/observer")
                        .asText())
                .isEqualTo("static_minmax");
    }

    private Cli derive(String out, Path recipe) {
        return Cli.run(
                "scales", "--statistics", statistics("tensor"), "--recipe", recipe, "--output", work.resolve(out));
    }

    @Test
    void pairsThatNobodyKnowsAreRefused() {
        String[] remedy = {"norms of RoPE pairs", "--model-config", "keys: {pairing: half, rotary_dim: 64}"};
        for (String keys : List.of(ENVELOPE, "statistics: pairs", "statistics: [histogram, pairs]")) {
            calibrate(recipe("", keys), "none").fails(ExitCode.USAGE, remedy);
            calibrate(recipe("", keys), "none", "--dry-run").fails(ExitCode.USAGE, remedy);
        }
        calibrate(
                        recipe("", ENVELOPE.replace("}", ", pairing: interleaved, rotary_dim: 64}")),
                        "none",
                        "--model-config",
                        CONFIG)
                .fails(
                        ExitCode.USAGE,
                        "64 channels in pairing interleaved",
                        "64 in pairing half",
                        "remove keys.pairing");
        calibrate(recipe("", "keys: {envelope: true, pairing: half, rotary_dim: 128}"), "none")
                .fails(ExitCode.DATA, "RoPE turns 128 channels, but head_dim is 64", "layer 0 key");
        assertThat(work.resolve("none")).doesNotExist();
    }

    @Test
    void theRecipeMayNameThePairs() {
        calibrate(recipe("", "statistics: [histogram, pairs]"), "config", "--model-config", CONFIG)
                .isDone();
        calibrate(
                        recipe("", "statistics: [pairs, histogram], keys: {pairing: half, rotary_dim: 64}"),
                        "keys",
                        "--partitions",
                        5)
                .isDone();
        assertThat(Folder.bytes(statistics("keys"))).isEqualTo(Folder.bytes(statistics("config")));
        calibrate(recipe("", "statistics: histogram"), "counted").isDone();
        assertThat(Folder.bytes(statistics("counted"))[8]).isEqualTo((byte) 2);
        assertThat(Folder.bytes(statistics("config"))[8]).isEqualTo((byte) 4);

        Cli shown = Cli.run("inspect", statistics("config")).isDone();
        assertThat(shown.out()).contains("norms of RoPE pairs: 30 slots of K, half of 64 channels\n");
        JsonNode slots = Folder.json(Cli.run("inspect", "--json", statistics("config"))
                        .isDone()
                        .out())
                .findValue("slots");
        assertThat(slots.get(0).at("/pairs/pairing").asText()).isEqualTo("half");
        assertThat(slots.get(0).at("/pairs/rotary_dim").asInt()).isEqualTo(64);
        assertThat(slots.get(0).at("/pairs/max").floatValue())
                .isEqualTo(0.02162525f * 448, org.assertj.core.data.Offset.offset(1e-5f));
        assertThat(slots.get(1).has("pairs")).isFalse();
        Cli compared = Cli.run("compare", statistics("config"), statistics("counted"));
        assertThat(compared.code()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(compared.out()).contains("norms", "different: 30 of 60 slots");
    }

    @Test
    void statisticsWithoutNormsAreRefusedWithTheRemedy() {
        calibrate(recipe("", ""), "tensor").isDone();
        assertThat(CalibrationStatistics.fromByteArray(Folder.bytes(statistics("tensor")))
                        .slots())
                .hasSize(60);
        derive("none", recipe("", ENVELOPE))
                .fails(
                        ExitCode.DATA,
                        "observer envelope needs the norms of RoPE pairs, and the statistics hold none",
                        "layer 0 key",
                        "statistics.kvstats",
                        "calibrate again with statistics: pairs");
    }

    /** The ranges would be those of pairs that never turn together. */
    @Test
    void normsOfOtherPairsThanTheRecipeOrTheModelNamesAreRefused() {
        calibrate(recipe("", ENVELOPE.replace("}", ", pairing: interleaved, rotary_dim: 64}")), "tensor")
                .isDone();
        derive("same", recipe("", ENVELOPE)).isDone();
        String[] what = {
            "norms of RoPE pairs interleaved of 64 channels, but",
            "half of 64 channels",
            "layer 0 key",
            "calibrate again"
        };
        derive("other", recipe("", ENVELOPE.replace("}", ", pairing: half, rotary_dim: 64}")))
                .fails(ExitCode.DATA, what);
        Path model = recipe("", ENVELOPE + ", model_config: " + CONFIG);
        derive("other", model).fails(ExitCode.DATA, what);
        derive("other", recipe("", "model_config: " + CONFIG)).isDone();
    }

    @Test
    void statisticsOfDifferentPairsDoNotMerge() {
        calibrate(recipe("", "statistics: pairs"), "half", "--model-config", CONFIG)
                .isDone();
        calibrate(recipe("", "statistics: pairs, keys: {pairing: interleaved, rotary_dim: 64}"), "neighbors")
                .isDone();
        calibrate(recipe("", ""), "none").isDone();
        Cli.run("merge", statistics("half"), statistics("neighbors"), "--output", work.resolve("merged"))
                .fails(
                        ExitCode.DATA,
                        statistics("neighbors").toString(),
                        "layer 0 key",
                        "this file holds norms of RoPE pairs, interleaved of 64 channels, and " + statistics("half")
                                + " norms of RoPE pairs, half of 64 channels");
        Cli.run("merge", statistics("none"), statistics("half"), "--output", work.resolve("merged"))
                .fails(ExitCode.DATA, "layer 0 key", "no norms of RoPE pairs", "the same statistics and pairs");
    }

    @Test
    void textsTakeThePairsOfTheModel() {
        Path tiny = Folder.HOME.resolve("conf/tiny-model");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe("", ENVELOPE),
                        "--model",
                        tiny,
                        "--text",
                        tiny.resolve("texts.jsonl"),
                        "--output",
                        work.resolve("text"))
                .isDone();
        assertThat(Cli.run("inspect", statistics("text")).isDone().out())
                .contains("norms of RoPE pairs: 3 slots of K, half of 16 channels");
    }
}
