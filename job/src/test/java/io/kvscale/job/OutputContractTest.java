package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Year;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The documented contents of the output folder and of the terminal. */
class OutputContractTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private Path work;

    private Path input = Path.of("");
    private Path output = Path.of("");

    @BeforeEach
    void makeTwoCaptures() {
        input = work.resolve("in");
        output = work.resolve("out");
        Capture.of(2, 4, 1).write(input.resolve("a.safetensors"));
        Capture.of(2, 6, 2).write(input.resolve("below/b.safetensors"));
    }

    private Cli calibrate(Path recipe, Object... more) {
        List<Object> words =
                new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--input", input, "--output", output));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    private Path recipe(String scheme, String... rest) {
        return Folder.recipe(work, scheme, rest);
    }

    private static List<String> keys(JsonNode node) {
        List<String> keys = new ArrayList<>();
        node.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    @Test
    void theFolderHoldsTheFilesOfTheContractAndNoOthers() throws IOException {
        calibrate(recipe(FP8)).isDone();
        try (var files = Files.walk(output)) {
            // Other tests check the folders of other exporters.
            assertThat(files.filter(Files::isRegularFile)
                            .map(file -> output.relativize(file).toString()))
                    .filteredOn(file -> !file.contains("/") || file.startsWith("vllm/"))
                    .containsExactlyInAnyOrder(
                            "kv_scales.json",
                            "statistics.kvstats",
                            "run.json",
                            "report.html",
                            "_SUCCESS",
                            "vllm/config.json",
                            "vllm/model-kvscales.safetensors");
        }
        assertThat(output.resolve("_SUCCESS")).isEmptyFile();
        assertThat(Folder.names(work)).hasSize(3);
    }

    @Test
    void scalesHaveTheFieldsOfTheContractInItsOrder() {
        calibrate(recipe(FP8)).isDone();
        JsonNode json = Folder.json(output.resolve("kv_scales.json"));
        assertThat(keys(json))
                .containsExactly(
                        "format", "version", "scales_sha256", "statistics_sha256", "scheme", "corpus", "layers");
        assertThat(json.get("format").asText()).isEqualTo("kvscale-scales");
        assertThat(json.get("version").asInt()).isEqualTo(1);
        assertThat(json.get("scheme"))
                .hasToString("{\"num_bits\":8,\"type\":\"float\",\"strategy\":\"tensor\",\"group_size\":null,"
                        + "\"symmetric\":true,\"observer\":\"static_minmax\",\"observer_kwargs\":{},"
                        + "\"scale_dtype\":\"float32\"}");
        JsonNode corpus = json.get("corpus");
        assertThat(keys(corpus)).containsExactly("fingerprint", "files", "samples", "tokens", "values");
        assertThat(corpus.get("fingerprint").asText()).matches("[0-9a-f]{64}");
        assertThat(corpus.get("files").asInt()).isEqualTo(2);
        assertThat(corpus.get("samples").asInt()).isEqualTo(2);
        assertThat(corpus.get("tokens").asInt()).isEqualTo(10);
        assertThat(corpus.get("values").asInt()).isEqualTo(4 * 10 * 64);
        assertThat(json.get("layers")).hasSize(2);
        JsonNode layer = json.get("layers").get(1);
        assertThat(keys(layer)).containsExactly("layer", "key", "value");
        JsonNode key = layer.get("key");
        assertThat(keys(key))
                .containsExactly(
                        "dtype",
                        "heads",
                        "head_dim",
                        "shape",
                        "scale",
                        "zero_point",
                        "range",
                        "min",
                        "max",
                        "count",
                        "nan",
                        "inf",
                        "min_sample",
                        "max_sample");
        assertThat(key.get("dtype").asText()).isEqualTo("BF16");
        assertThat(key.get("shape")).hasToString("[1]");
        assertThat(key.get("zero_point")).hasToString("[0]");
        assertThat(key.get("count").asInt()).isEqualTo(10 * 64);
        float least = key.get("min").floatValue();
        float greatest = key.get("max").floatValue();
        assertThat(key.get("scale").get(0).floatValue()).isEqualTo(Math.max(-least, greatest) / 448);
        assertThat(key.get("range").get(0).get(0).floatValue()).isEqualTo(least);
        assertThat(key.get("min_sample").asText()).isIn("a", "below/b");
    }

    @Test
    void shapesFollowTheStrategy() {
        calibrate(recipe(
                        "num_bits: 8, type: int, strategy: channel, symmetric: false",
                        "kvscale: {value: {scheme: {strategy: group, group_size: 8}}, scale_dtype: input}"))
                .isDone();
        JsonNode json = Folder.json(output.resolve("kv_scales.json"));
        JsonNode layer = json.get("layers").get(0);
        assertThat(layer.get("key").get("shape")).hasToString("[2,1,32]");
        assertThat(layer.get("key").has("scheme")).isFalse();
        assertThat(layer.get("key").get("scale")).hasSize(64);
        assertThat(layer.get("key").get("range")).hasSize(64);
        assertThat(layer.get("value").get("shape")).hasToString("[2,1,4]");
        assertThat(layer.get("value").get("zero_point")).hasSize(8).allMatch(JsonNode::isInt);
        assertThat(keys(layer.get("value"))).startsWith("scheme", "dtype");
        assertThat(layer.get("value").get("scheme").get("strategy").asText()).isEqualTo("group");
        assertThat(layer.get("value").get("scheme").get("group_size").asInt()).isEqualTo(8);
        assertThat(layer.get("value").get("scheme").get("symmetric").asBoolean())
                .isFalse();
        // Scales are BF16 numbers.
        layer.get("key")
                .get("scale")
                .forEach(scale -> assertThat(Float.floatToRawIntBits(scale.floatValue()) & 0xffff)
                        .isZero());
    }

    private List<String> writtenLines() throws IOException {
        try (var files = Files.walk(output)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> "wrote " + file)
                    .toList();
        }
    }

    private static List<TensorEntry> tensors(byte[] file) throws IOException {
        return SafetensorsHeader.read(new ByteArrayInputStream(file), file.length, name -> true)
                .tensors();
    }

    @Test
    void vllmLoadsOneScalePerLayerAndRole() throws IOException {
        calibrate(recipe(FP8)).isDone();
        byte[] file = Folder.bytes(output.resolve("vllm/model-kvscales.safetensors"));
        List<TensorEntry> tensors = tensors(file);
        assertThat(tensors)
                .extracting(TensorEntry::name)
                .containsExactly(
                        "model.layers.0.self_attn.k_scale",
                        "model.layers.0.self_attn.v_scale",
                        "model.layers.1.self_attn.k_scale",
                        "model.layers.1.self_attn.v_scale");
        JsonNode layers = Folder.json(output.resolve("kv_scales.json")).get("layers");
        for (int i = 0; i < tensors.size(); i++) {
            TensorEntry tensor = tensors.get(i);
            assertThat(tensor.dtype()).isEqualTo("F32");
            assertThat(tensor.shape()).containsExactly(1L);
            float scale = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getFloat((int) tensor.begin());
            assertThat(scale)
                    .isEqualTo(layers.get(i / 2)
                            .get(i % 2 == 0 ? "key" : "value")
                            .get("scale")
                            .get(0)
                            .floatValue());
        }
        assertThat(Folder.json(output.resolve("vllm/config.json")))
                .hasToString("{\"quantization_config\":{\"config_groups\":{},\"quant_method\":\"compressed-tensors\","
                        + "\"kv_cache_scheme\":{\"num_bits\":8,\"type\":\"float\",\"symmetric\":true,"
                        + "\"group_size\":null,\"strategy\":\"tensor\",\"block_structure\":null,\"dynamic\":false,"
                        + "\"actorder\":null,\"observer\":\"static_minmax\",\"observer_kwargs\":{}},"
                        + "\"format\":\"dense\",\"quantization_status\":\"frozen\","
                        + "\"global_compression_ratio\":null,\"ignore\":[]}}");
    }

    @Test
    void vllmLoadsOneScalePerHead() throws IOException {
        calibrate(recipe("num_bits: 8, type: float, strategy: attn_head, symmetric: true"))
                .isDone();
        assertThat(tensors(Folder.bytes(output.resolve("vllm/model-kvscales.safetensors"))))
                .hasSize(4)
                .allSatisfy(tensor -> assertThat(tensor.shape()).containsExactly(2L, 1L, 1L));
        assertThat(Folder.json(output.resolve("vllm/config.json"))
                        .get("quantization_config")
                        .get("kv_cache_scheme")
                        .get("strategy")
                        .asText())
                .isEqualTo("attn_head");
    }

    @Test
    void schemesThatVllmWouldReadAsFp8AreNotWrittenForVllm() {
        List<String> schemes = List.of(
                "num_bits: 8, type: int, strategy: tensor, symmetric: true",
                "num_bits: 8, type: float, strategy: tensor, symmetric: false",
                "num_bits: 8, type: float, strategy: channel, symmetric: true",
                "num_bits: 4, type: float, strategy: tensor, symmetric: true");
        for (String scheme : schemes) {
            Cli done = calibrate(recipe(scheme), "--overwrite").isDone();
            assertThat(done.err()).contains("kvscale: warning: no files written for vLLM: ");
            assertThat(output.resolve("vllm")).doesNotExist();
        }
        Cli done = calibrate(recipe(FP8, "kvscale: {value: {scheme: {strategy: attn_head}}}"), "--overwrite")
                .isDone();
        assertThat(done.err()).contains("no files written for vLLM: schemes differ");
        assertThat(output.resolve("vllm")).doesNotExist();
    }

    @Test
    void runJsonHoldsTheVaryingFields() throws IOException {
        calibrate(recipe(FP8), "--partitions", 2).isDone();
        JsonNode run = Folder.json(output.resolve("run.json"));
        assertThat(keys(run))
                .contains(
                        "started",
                        "finished",
                        "seconds",
                        "read_bytes",
                        "task_seconds",
                        "spark_version",
                        "master",
                        "inputs",
                        "partitions",
                        "host");
        assertThat(run.get("partitions").asInt()).isEqualTo(2);
        assertThat(run.get("master").asText()).startsWith("local[");
        assertThat(run.get("inputs").get(0).asText()).isEqualTo(input.toString());
        assertThat(run.get("read_bytes").asLong())
                .isBetween(4 * 10 * 64 * 2L, 2 * Files.size(input.resolve("below/b.safetensors")) * 4);
    }

    @Test
    void otherFilesHoldNoPathsTimesOrHosts() throws IOException {
        calibrate(recipe(FP8)).isDone();
        String host = InetAddress.getLocalHost().getHostName();
        try (var files = Files.walk(output)) {
            files.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith("run.json"))
                    .forEach(file -> assertThat(
                                    withoutScripts(new String(Folder.bytes(file), StandardCharsets.ISO_8859_1)))
                            .doesNotContain(work.toString(), work.getFileName().toString(), host)
                            .doesNotContain(Year.now(java.time.ZoneOffset.UTC) + "-"));
        }
    }

    /** The page without scripts: the library in the report may contain any short text. */
    private static String withoutScripts(String page) {
        return page.replaceAll("(?s)<script>.*?</script>", "");
    }

    @Test
    void theTerminalShowsScalesPerLayerAndPaths() throws IOException {
        Cli done = calibrate(recipe(FP8)).isDone();
        assertThat(done.out()).contains("layer", "k_scale", "v_scale");
        JsonNode layers = Folder.json(output.resolve("kv_scales.json")).get("layers");
        layers.forEach(layer -> assertThat(done.out().lines())
                .anyMatch(line -> line.strip().startsWith(layer.get("layer").asText())
                        && line.contains(layer.get("key").get("scale").get(0).asText())
                        && line.contains(layer.get("value").get("scale").get(0).asText())));
        assertThat(done.out().lines().filter(line -> line.startsWith("wrote ")))
                .containsExactlyInAnyOrderElementsOf(writtenLines());
        assertThat(done.out()).contains("wrote " + output.resolve("vllm/config.json"));
    }

    @Test
    void quietPrintsNothing() {
        Cli done = calibrate(recipe(FP8), "--quiet").isDone();
        assertThat(done.out()).isEmpty();
        assertThat(done.err()).isEmpty();
        assertThat(output.resolve("_SUCCESS")).exists();
    }

    @Test
    void dryRunShowsAndWritesNothing() {
        Folder.write(input.resolve("notes.txt"), "skipped");
        Folder.write(input.resolve("_hidden.safetensors"), "skipped");
        new Capture()
                .pair(0, 3, 8)
                .pair(1, 3, 9)
                .add("logits", "F32", List.of(4L), i -> i)
                .write(input.resolve("c.safetensors"));
        Cli done = Cli.run("calibrate", "--recipe", recipe(FP8), "--input", input, "--dry-run", "--partitions", 2)
                .isDone();
        assertThat(done.out())
                .containsPattern("files +3\n")
                .containsPattern("bytes +\\d+\n")
                .containsPattern("splits +2\n")
                .containsPattern("slots +4\n")
                .containsPattern("unmatched +1 tensors.*logits");
        assertThat(done.err()).contains("1 files are not .safetensors, .arrow, .arrows or .parquet");
        calibrate(recipe(FP8), "--dry-run").isDone();
        assertThat(Folder.names(work)).doesNotContainKey("out");
        Folder.write(input.resolve("bad.safetensors"), "bad");
        Cli.run("calibrate", "--recipe", recipe(FP8), "--input", input, "--dry-run")
                .fails(ExitCode.DATA, "bad.safetensors");
    }

    @Test
    void ignoredAndUntargetedLayersAreAbsent() {
        input = work.resolve("deep");
        Capture.of(12, 2, 1).write(input.resolve("a.safetensors"));
        calibrate(recipe(FP8, "kvscale: {ignore: ['layers\\.0\\.']}")).isDone();
        assertThat(Folder.scales(output).slots().firstKey().layer()).isEqualTo(1);
        assertThat(Folder.scales(output).slots()).hasSize(22);
        calibrate(recipe(FP8, "kvscale: {targets: ['re:layers\\.(1|10)\\.']}"), "--overwrite")
                .isDone();
        assertThat(Folder.json(output.resolve("kv_scales.json")).get("layers"))
                .extracting(layer -> layer.get("layer").asInt())
                .containsExactly(1, 10);
        calibrate(recipe(FP8, "kvscale: {targets: ['layers\\.77\\.']}"), "--overwrite")
                .fails(ExitCode.DATA, "no K or V");
    }

    @Test
    void recipeKeysWithoutEffectAreNamedOnce() {
        Cli done = Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.HOME.resolve("conf/recipes/llm_compressor_example.yaml"),
                        "--input",
                        input,
                        "--output",
                        output)
                .isDone();
        assertThat(done.err().lines().filter(line -> line.contains("ignored these recipe keys")))
                .singleElement()
                .asString()
                .contains("config_groups");
    }

    /** Spark and Hadoop notice these only when they need the class. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "spark.io.compression.codec=nosuch",
                "spark.hadoop.fs.file.impl=absent.Files",
                "spark.ui.port=70000",
                "spark.driver.maxResultSize=1k"
            })
    void aPropertyThatSparkCannotUseIsAnErrorOfUsage(String property) {
        calibrate(Folder.FP8, "--conf", property).fails(ExitCode.USAGE, "--conf " + property, "correct the value");
        assertThat(output).doesNotExist();
    }
}
