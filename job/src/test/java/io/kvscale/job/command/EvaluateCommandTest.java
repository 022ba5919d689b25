package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.evaluation.JobScales;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");
    private static final Path TEXTS = MODEL.resolve("texts.jsonl");

    @TempDir
    private Path work;

    private Path scales;
    private Path texts;

    @BeforeEach
    void write() {
        scales = write("scales", QuantizationScheme.fp8(), 0.05f);
        texts = Folder.write(work.resolve("texts.jsonl"), "{\"text\": \"the river had been rising\"}\n");
    }

    @Test
    void missingOptionsAndInvalidNumbersAreExitCodeTwo() {
        Cli.run("evaluate", "--text", texts, "--scales", scales).fails(ExitCode.USAGE, "--model");
        Cli.run("evaluate", "--model", MODEL, "--scales", scales).fails(ExitCode.USAGE, "--text");
        Cli.run("evaluate", "--model", MODEL, "--text", texts)
                .fails(ExitCode.USAGE, "--scales=DIR', or '--baseline=unit'");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--baseline", "one")
                .fails(ExitCode.USAGE, "--baseline", "[unit]");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--chunk", 0)
                .fails(ExitCode.USAGE, "--chunk");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--chunk", "many")
                .fails(ExitCode.USAGE, "--chunk");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--attend", "all")
                .fails(ExitCode.USAGE, "--attend", "[quantized, chunks]");
        Cli.run(attending("quantized", "--chunk", 4)).fails(ExitCode.USAGE, "--chunk needs --attend chunks");
        Cli.run(attending("quantized", "--recipe", residual()))
                .fails(ExitCode.USAGE, "residual_length in the recipe needs --attend chunks");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--partitions", 0)
                .fails(ExitCode.USAGE, "--partitions");
    }

    @Test
    void anInputWithoutScalesIsNamed() {
        evaluate(work.resolve("absent")).fails(ExitCode.DATA, "absent", "check the path");
        evaluate(work).fails(ExitCode.DATA, work.toString(), "no scale table", "kv_scales.json");
        evaluate(texts).fails(ExitCode.DATA, "texts.jsonl");
        Path damaged = Folder.write(work.resolve("damaged/kv_scales.json"), "{\"format\": \"kvscale-scales\"}");
        evaluate(damaged.getParent()).fails(ExitCode.DATA, "damaged", "version");
    }

    @Test
    void anOutputThatExistsOrOverlapsAnInputIsUnchanged() {
        var before = Folder.content(work);
        for (Path bad : new Path[] {scales, work, scales.resolve("out"), texts, MODEL.resolve("out")}) {
            Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--overwrite", "--output", bad)
                    .fails(ExitCode.OUTPUT, "--output");
        }
        Path other = Folder.write(work.resolve("other/evaluation.json"), "{}").getParent();
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--output", other)
                .fails(ExitCode.OUTPUT, "other", "--overwrite");
        Folder.write(other.resolve("thesis.tex"), "years of work");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--overwrite", "--output", other)
                .fails(ExitCode.OUTPUT, "thesis.tex");
        assertThat(Folder.content(scales)).hasSize(1);
        assertThat(Folder.content(work)).containsAllEntriesOf(before);
    }

    @Test
    void folderJsonAndTableAgreeForAnyPartitioning() {
        Path four = write("four", asymmetric(QuantizationScheme.of(NumberFormat.INT4, Strategy.TENSOR)), 0.7f);
        Object[] command = {"evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales, four, "--chunk", 4};
        Cli json = Cli.run(with(command, "--json", "--output", work.resolve("a"), "--partitions", 1))
                .isDone();
        Cli table = Cli.run(with(command, "--output", work.resolve("b"), "--partitions", 3))
                .isDone();
        assertThat(Folder.names(work.resolve("a"))).containsOnlyKeys("evaluation.json", "report.html", "_SUCCESS");
        assertThat(Folder.content(work.resolve("b"))).isEqualTo(Folder.content(work.resolve("a")));
        assertThat(json.out()).isEqualTo(Folder.text(work.resolve("a/evaluation.json")));
        JsonNode evaluation = Folder.json(json.out());
        assertThat(evaluation.get("samples").asInt()).isEqualTo(6);
        assertThat(evaluation.get("baseline").get("perplexity").asDouble()).isGreaterThan(1);
        JsonNode first = evaluation.get("schemes").get(0);
        JsonNode second = evaluation.get("schemes").get(1);
        assertThat(first.get("scales").asText()).isEqualTo(scales.toString());
        assertThat(second.get("scales").asText()).isEqualTo(four.toString());
        assertThat(first.get("kl").asDouble())
                .isPositive()
                .isLessThan(second.get("kl").asDouble());
        assertThat(first.get("layers")).hasSize(1);
        assertThat(evaluation.get("model").get("folder").asText()).isEqualTo(MODEL.toString());
        assertThat(evaluation.get("model").get("name").asText()).isEqualTo("LlamaForCausalLM");
        assertThat(evaluation.get("model").get("sha256").asText()).matches("[0-9a-f]{64}");
        assertThat(evaluation.get("texts")).hasToString("[\"" + TEXTS + "\"]");
        assertThat(first.get("layers_without_scales")).hasToString("[1,2]");
        assertThat(first.get("scales_sha256"))
                .isEqualTo(Folder.json(scales.resolve("kv_scales.json")).get("scales_sha256"));
        assertThat(second.get("verdict").asText())
                .matches("(Hardly any|A small|A clear|A severe) loss: perplexity .*, and .* % of the most likely next"
                        + " tokens stay the same\\.");
        assertThat(table.out())
                .contains(
                        "model LlamaForCausalLM in ",
                        "2: " + second.get("verdict").asText());
        assertThat(Folder.text(work.resolve("b/report.html")))
                .contains(second.get("verdict").asText());
        assertThat(table.err())
                .contains("warning: " + four + " has no scales for 2 of 3 layers, which stay in full precision: 1, 2");
        assertThat(table.out())
                .contains(
                        "full precision",
                        "fp8_e4m3 tensor ",
                        "int4 tensor asymmetric",
                        "wrote " + work.resolve("b/report.html"));
    }

    @Test
    void everyTokenAttendsToQuantizedTokensUnlessChunksAreAskedFor() {
        Cli quantized = Cli.run("evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales, "--json")
                .isDone();
        JsonNode json = Folder.json(quantized.out());
        assertThat(json.get("attend").asText()).isEqualTo("quantized");
        assertThat(json.has("chunk")).isFalse();
        JsonNode chunks =
                Folder.json(Cli.run(attending("chunks", "--json")).isDone().out());
        assertThat(chunks.get("attend").asText()).isEqualTo("chunks");
        assertThat(chunks.get("chunk").asInt()).isEqualTo(16);
        assertThat(json.at("/schemes/0/kl").asDouble())
                .isGreaterThan(chunks.at("/schemes/0/kl").asDouble());
        assertThat(chunks.at("/baseline/perplexity").asDouble())
                .isCloseTo(json.at("/baseline/perplexity").asDouble(), withinPercentage(0.001));
        assertThat(Cli.run("evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales)
                        .isDone()
                        .out())
                .contains("samples, every token attends to quantized K and V");
    }

    @Test
    void aResidualWindowNeedsChunksAndSaysSo() {
        Cli cli = Cli.run(
                        "evaluate",
                        "--model",
                        MODEL,
                        "--text",
                        TEXTS,
                        "--scales",
                        scales,
                        "--json",
                        "--recipe",
                        residual())
                .isDone();
        assertThat(cli.err()).contains("residual_length needs --attend chunks");
        assertThat(Folder.json(cli.out()).get("residual_length").asInt()).isEqualTo(3);
    }

    @Test
    void aGraphOfAnUnknownFormRunsInChunksAndSaysSo() throws IOException {
        Path model = copiedModel();
        Path graph = model.resolve("model.onnx");
        String bytes = Files.readString(graph, StandardCharsets.ISO_8859_1);
        Files.writeString(
                graph, bytes.replace("/model/Range_output_0", "kvscale.range_output0"), StandardCharsets.ISO_8859_1);
        runsInChunks(
                model,
                "the model's graph has a form that is not known: it has a tensor named kvscale.range_output0. Evaluating");
    }

    @Test
    void aGraphThatOnnxRuntimeRefusesWithQuantizationRunsInChunksAndSaysSo() throws IOException {
        Path model = copiedModel();
        Path graph = model.resolve("model.onnx");
        // Declares a tensor of the rewritten graph, which the graph itself does not have, as integers.
        byte[] type = message(2, message(1, new byte[] {1 << 3, 7}));
        byte[] declared = message(13, message(1, "kvscale.0.key.1".getBytes(StandardCharsets.UTF_8)), type);
        CodedInputStream in = CodedInputStream.newInstance(Files.readAllBytes(graph));
        ByteArrayOutputStream changed = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(changed);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag >>> 3 == 7) {
                out.writeByteArray(7, join(in.readByteArray(), declared));
            } else {
                in.skipField(tag, out);
            }
        }
        out.flush();
        Files.write(graph, changed.toByteArray());
        runsInChunks(model, "ONNX Runtime cannot load the model's graph with quantization in it: ", "kvscale.0.key.1");
    }

    private Path copiedModel() throws IOException {
        Path model = Files.createDirectory(work.resolve("model"));
        for (String name : Folder.names(MODEL).keySet()) {
            Files.copy(MODEL.resolve(name), model.resolve(name));
        }
        return model;
    }

    /** An evaluation with this model, which computes the same as the tiny model, falls back to chunks and changes no file. */
    private void runsInChunks(Path model, String... reasons) {
        SortedMap<String, String> before = Folder.content(model);
        Cli cli = Cli.run("evaluate", "--model", model, "--text", TEXTS, "--scales", scales, "--json")
                .isDone();
        assertThat(cli.err())
                .contains("--attend quantized is not possible: " + reasons[0], "--attend chunks --chunk 16")
                .contains(reasons);
        JsonNode chunks = Folder.json(cli.out());
        assertThat(chunks.get("attend").asText()).isEqualTo("chunks");
        assertThat(chunks.get("schemes"))
                .isEqualTo(Folder.json(
                                Cli.run(attending("chunks", "--json")).isDone().out())
                        .get("schemes"));
        assertThat(Folder.content(model)).isEqualTo(before);
    }

    @Test
    void theModelsFilesAreNotChanged() throws IOException {
        Path model = copiedModel();
        SortedMap<String, String> before = Folder.content(model);
        for (String attend : new String[] {"quantized", "chunks"}) {
            Cli.run("evaluate", "--model", model, "--text", TEXTS, "--scales", scales, "--attend", attend)
                    .isDone();
            assertThat(Folder.content(model)).isEqualTo(before);
        }
    }

    /** A field of a protobuf message with messages of up to 127 bytes. */
    private static byte[] message(int field, byte[]... parts) {
        byte[] content = join(parts);
        return join(new byte[] {(byte) (field << 3 | 2), (byte) content.length}, content);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }

    @Test
    void scaleOneIsOneMoreSchemeAndTheJudgeOfFp8Scales() {
        Path four = write("four", QuantizationScheme.of(NumberFormat.INT4, Strategy.TENSOR), 0.7f);
        Path eight = write("eight", QuantizationScheme.fp8(), 0.05f, 3);
        Object[] command = {"evaluate", "--model", MODEL, "--text", TEXTS, "--scales", eight, four};
        JsonNode alone = Folder.json(Cli.run(with(command, "--json")).isDone().out());
        Cli cli = Cli.run(with(command, "--baseline", "unit", "--output", work.resolve("o")))
                .isDone();
        JsonNode both = Folder.json(work.resolve("o/evaluation.json"));
        assertThat(both.get("schemes")).hasSize(3);
        JsonNode unit = both.get("schemes").get(2);
        assertThat(unit.get("scales").asText()).isEqualTo("unit");
        assertThat(unit.get("baseline").asText()).isEqualTo("unit");
        assertThat(unit.get("scheme").toString())
                .isEqualTo("{\"num_bits\":8,\"type\":\"float\",\"strategy\":\"tensor\",\"group_size\":null,"
                        + "\"symmetric\":true,\"scale_dtype\":\"float32\"}");
        assertThat(unit.get("layers")).hasSize(3);
        assertThat(unit.get("layers_without_scales")).isEmpty();
        assertThat(unit.has("unit_verdict")).isFalse();
        String verdict = both.at("/schemes/0/unit_verdict").asText();
        assertThat(verdict)
                .matches("(Calibration|Scale 1\\.0) .*: KL is .* with these scales, and .* with scale 1\\.0; .*\\.");
        assertThat(both.get("schemes").get(1).has("unit_verdict")).isFalse();
        assertThat(cli.out()).contains("  unit ", " fp8_e4m3 scale 1.0 ", verdict);
        assertThat(Folder.text(work.resolve("o/report.html"))).contains("unit (scale 1.0)", verdict);
        for (int i = 0; i < 2; i++) {
            JsonNode one = both.get("schemes").get(i);
            assertThat(one.has("baseline")).isFalse();
            ((ObjectNode) one).remove("unit_verdict");
            assertThat(one).isEqualTo(alone.get("schemes").get(i));
        }
        JsonNode only =
                Folder.json(Cli.run("evaluate", "--model", MODEL, "--text", TEXTS, "--baseline", "unit", "--json")
                        .isDone()
                        .out());
        assertThat(only.get("schemes")).containsExactly(unit);
    }

    /** The scales of a file whose scales are all 1.0 are the same as those of {@code --baseline unit}. */
    @Test
    void scaleOneIsThatOfATableOfOnes() {
        Path ones = write("ones", QuantizationScheme.fp8(), 1, 3);
        for (String attend : new String[] {"quantized", "chunks"}) {
            JsonNode schemes = Folder.json(Cli.run(
                                    "evaluate",
                                    "--model",
                                    MODEL,
                                    "--text",
                                    TEXTS,
                                    "--scales",
                                    ones,
                                    "--baseline",
                                    "unit",
                                    "--attend",
                                    attend,
                                    "--json")
                            .isDone()
                            .out())
                    .get("schemes");
            for (String field : new String[] {"scales_sha256", "perplexity", "kl", "top1", "layers"}) {
                assertThat(schemes.get(1).get(field)).isEqualTo(schemes.get(0).get(field));
            }
            assertThat(schemes.get(0).get("unit_verdict").asText())
                    .startsWith("Calibration changes little: ")
                    .endsWith(": 0.00 dB higher than with scale 1.0.");
        }
    }

    /** A layer in full precision loses nothing, which is no merit of its calibration. */
    @Test
    void scalesOfSomeLayersAreNotComparedWithScaleOne() {
        Cli cli = Cli.run(
                        "evaluate",
                        "--model",
                        MODEL,
                        "--text",
                        TEXTS,
                        "--scales",
                        scales,
                        "--baseline",
                        "unit",
                        "--json")
                .isDone();
        JsonNode partly = Folder.json(cli.out()).get("schemes").get(0);
        assertThat(partly.get("layers_without_scales")).hasSize(2);
        assertThat(partly.has("unit_verdict")).isFalse();
    }

    private Path residual() {
        return Folder.write(
                work.resolve("residual.yaml"),
                "kv_cache_scheme: {num_bits: 8, type: float}\nkvscale: {feedback: fake_quantize, residual_length: 3}\n");
    }

    private Object[] attending(String how, Object... more) {
        return with(
                new Object[] {"evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales, "--attend", how},
                more);
    }

    @Test
    void scalesOfAnotherModelAreNamedAndLeaveNoOutput() {
        Path other = work.resolve("other");
        Capture.put(
                other.resolve("kv_scales.json"),
                JobScales.of(QuantizationScheme.fp8(), 4, 16, 0.05f, new Slot(1, Role.VALUE))
                        .toJson());
        Cli.run("evaluate", "--model", MODEL, "--text", TEXTS, "--scales", scales, other, "--output", work.resolve("o"))
                .fails(ExitCode.DATA, other.toString(), "layer 1 value", "4 heads");
        assertThat(Folder.names(work)).containsOnlyKeys("scales", "other", "texts.jsonl");
    }

    @Test
    void textsOfOneChunkAreRefused() {
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--chunk", 500)
                .fails(ExitCode.DATA, "no text is long enough for --chunk (500)", "smaller --chunk");
    }

    @Test
    void aTextOfOneTokenIsRefused() {
        Path one = Folder.write(work.resolve("one.txt"), "a");
        Cli.run("evaluate", "--model", MODEL, "--text", one, "--scales", scales).fails(ExitCode.DATA, "second token");
    }

    private static Object[] with(Object[] command, Object... more) {
        return Stream.concat(Arrays.stream(command), Arrays.stream(more)).toArray();
    }

    private static QuantizationScheme asymmetric(QuantizationScheme scheme) {
        return new QuantizationScheme(
                scheme.format(),
                scheme.strategy(),
                scheme.groupSize(),
                false,
                scheme.observer(),
                scheme.scaleDtype(),
                scheme.globalScale());
    }

    private Path write(String name, QuantizationScheme scheme, float scale) {
        return write(name, scheme, scale, 1);
    }

    private Path write(String name, QuantizationScheme scheme, float scale, int layers) {
        Path folder = work.resolve(name);
        Slot[] slots = IntStream.range(0, layers)
                .boxed()
                .flatMap(layer -> Role.CACHED.stream().map(role -> new Slot(layer, role)))
                .toArray(Slot[]::new);
        Capture.put(
                folder.resolve("kv_scales.json"),
                JobScales.of(scheme, 2, 16, scale, slots).toJson());
        return folder;
    }

    private Cli evaluate(Path badScales) {
        return Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, badScales);
    }
}
