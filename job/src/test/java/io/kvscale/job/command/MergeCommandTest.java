package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.job.target.TargetTables;
import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code export --model}: the merged folder of models of many kinds. */
class MergeCommandTest {
    private static final String SIZES = "\"hidden_size\": 128, \"num_attention_heads\": 4, \"num_key_value_heads\": 2";

    @TempDir
    private Path work;

    private Path model() {
        return work.resolve("model");
    }

    private Path out() {
        return work.resolve("out");
    }

    private CheckpointFolder llama(int layers) {
        return CheckpointFolder.llama(model(), layers).text("config.json", config("llama", layers, ""));
    }

    private static String config(String type, int layers, String more) {
        return "{\"model_type\": \"" + type + "\", \"architectures\": [\"LlamaForCausalLM\"], \"rms_norm_eps\": 1e-05, "
                + SIZES + ", \"num_hidden_layers\": " + layers + more + "}";
    }

    private Cli export(ScaleTable table, String target, Object... more) {
        Path scales = Capture.put(work.resolve("r/kv_scales.json"), table.toJson());
        List<Object> words = new ArrayList<>(
                List.of("export", "--scales", scales, "--for", target, "--model", model(), "--output", out()));
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private Cli export(int layers, Object... more) {
        return export(TargetTables.of(TargetTables.FP8, layers), "vllm", more);
    }

    /** The scales in the merged folder that an engine reads, by tensor. */
    private Map<String, Float> merged() {
        Map<String, Float> values = new java.util.TreeMap<>();
        Checkpoint.read(out().toString()).scales().forEach((name, scale) -> values.put(name, scale.values()[0]));
        return values;
    }

    private static SortedMap<String, String> names(Path folder) throws IOException {
        SortedMap<String, String> names = new java.util.TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                names.put(
                        file.getFileName().toString(),
                        Files.isSymbolicLink(file)
                                ? Files.readSymbolicLink(file).toString()
                                : "");
            }
        }
        return names;
    }

    @Test
    void aModelInOneFileGetsTwoFilesAndAnIndex() throws IOException {
        llama(2).text("tokenizer.json", "{}")
                .text(".gitattributes", "x")
                .text("_SUCCESS", "x")
                .write();
        Files.createDirectory(model().resolve("original"));
        SortedMap<String, String> before = Folder.content(model());
        Cli done = export(2).isDone();
        assertThat(names(out()))
                .containsEntry("model-00001-of-00002.safetensors", model() + "/model.safetensors")
                .containsEntry("tokenizer.json", model() + "/tokenizer.json")
                .containsEntry("original", model() + "/original")
                .containsEntry("model-00002-of-00002.safetensors", "")
                .containsEntry("config.json", "")
                .containsEntry("model.safetensors.index.json", "")
                .containsEntry("kvscale-export.json", "")
                .containsEntry("_SUCCESS", "")
                .hasSize(8);
        assertThat(merged())
                .isEqualTo(Map.of(
                        "model.layers.0.self_attn.k_scale", 1 / 64f,
                        "model.layers.0.self_attn.v_scale", 2 / 64f,
                        "model.layers.1.self_attn.k_scale", 3 / 64f,
                        "model.layers.1.self_attn.v_scale", 4 / 64f));
        assertThat(Folder.json(out().resolve("model.safetensors.index.json"))
                        .at("/metadata/total_size")
                        .asInt())
                .isEqualTo(2 * 4 * 4 + 4 * 4);
        assertThat(Folder.text(out().resolve("config.json")))
                .startsWith(
                        config("llama", 2, ",\n  \"quantization_config\": {").replaceFirst("}$", ""));
        assertThat(done.out())
                .contains("linked 3 files of the model\n")
                .endsWith("start with: vllm serve " + out() + " --kv-cache-dtype fp8\n");
        assertThat(Folder.content(model())).isEqualTo(before);
    }

    @Test
    void theIndexOfAShardedModelKeepsItsText() {
        llama(1).file("model-2.safetensors").weight("lm_head.weight").index().write();
        String index = Folder.text(model().resolve("model.safetensors.index.json"))
                .replace("\"metadata\" : { }", "\"metadata\": {\"total_size\": 20, \"x\": 1.50}");
        Folder.write(model().resolve("model.safetensors.index.json"), index);
        export(1).isDone();
        String edited = Folder.text(out().resolve("model.safetensors.index.json"));
        assertThat(edited)
                .isEqualTo(
                        index.replace("\"total_size\": 20", "\"total_size\": 28")
                                .replace(
                                        "\"model.safetensors\"\n  }",
                                        "\"model.safetensors\",\n"
                                                + "    \"model.layers.0.self_attn.k_scale\": \"model-kvscales.safetensors\",\n"
                                                + "    \"model.layers.0.self_attn.v_scale\": \"model-kvscales.safetensors\"\n  }"));
        assertThat(merged()).hasSize(2);
    }

    @Test
    void severalFilesWithoutAnIndexKeepTheirNames() throws IOException {
        llama(1).file("b.safetensors").weight("lm_head.weight").write();
        export(1).isDone();
        assertThat(names(out())).containsKeys("b.safetensors", "model.safetensors", "model-kvscales.safetensors");
        assertThat(merged()).hasSize(2);
    }

    @Test
    void copiesHoldNoLinks() throws IOException {
        llama(1).write();
        Folder.write(model().resolve("code/a.py"), "1");
        assertThat(export(1, "--copy").isDone().out()).contains("copied 2 files of the model");
        assertThat(names(out()).values()).containsOnly("");
        assertThat(out().resolve("code/a.py")).hasContent("1");
        assertThat(out().resolve("model-00001-of-00002.safetensors"))
                .hasSameBinaryContentAs(model().resolve("model.safetensors"));
        export(1, "--copy", "--overwrite").isDone();
        export(1, "--overwrite").isDone();
        assertThat(model().resolve("code/a.py")).hasContent("1");
        assertThat(names(out())).containsEntry("code", model() + "/code");
        export(1, "--overwrite").isDone();
        assertThat(model().resolve("code/a.py")).hasContent("1");
        assertThat(model().resolve("model.safetensors")).exists();
    }

    @Test
    void theSameInputGivesTheSameBytes() {
        llama(2).write();
        export(2, "--copy").isDone();
        SortedMap<String, String> first = Folder.content(out());
        export(2, "--copy", "--overwrite").isDone();
        assertThat(Folder.content(out())).isEqualTo(first);
    }

    @ParameterizedTest
    @CsvSource({
        "opt, model.decoder.layers.%d.self_attn",
        "gpt_neox, gpt_neox.layers.%d.attention",
        "gemma3_text, model.layers.%d.self_attn",
        "llama, language_model.model.layers.%d.self_attn",
        "llama, model.language_model.layers.%d.self_attn",
        "llama, backbone.layers.%d.mixer",
    })
    void prefixesComeFromTheCheckpoint(String type, String module) {
        CheckpointFolder folder =
                new CheckpointFolder(model()).text("config.json", config(type, 2, ", \"head_dim\": 32"));
        if (type.equals("gpt_neox")) {
            folder.weight("gpt_neox.layers.0.attention.query_key_value.weight")
                    .weight("gpt_neox.layers.1.attention.query_key_value.weight");
        } else {
            folder.attention(module, 2);
        }
        folder.attention("vision_tower.encoder.layers.%d.self_attn", 2).write();
        export(2).isDone();
        assertThat(merged().keySet())
                .contains(module.formatted(0) + ".k_scale", module.formatted(1) + ".v_scale")
                .hasSize(4);
    }

    @Test
    void hybridsNumberOnlySomeLayers() {
        new CheckpointFolder(model())
                .text(
                        "config.json",
                        config(
                                "nemotron_h",
                                3,
                                ", \"head_dim\": 32, \"time_step_limit\": [0.0, Infinity],"
                                        + " \"hybrid_override_pattern\": \"M*-\""))
                .weight("backbone.layers.0.mixer.in_proj.weight")
                .weight("backbone.layers.1.mixer.k_proj.weight")
                .weight("backbone.layers.2.mixer.up_proj.weight")
                .write();
        List<Slot> slots = List.of(new Slot(1, Role.KEY), new Slot(1, Role.VALUE));
        Cli done =
                export(TargetTables.of(slot -> TargetTables.FP8, slots), "vllm").isDone();
        assertThat(merged()).containsOnlyKeys("backbone.layers.1.mixer.k_scale", "backbone.layers.1.mixer.v_scale");
        assertThat(done.out()).doesNotContain("skip-layers");
        assertThat(Folder.text(out().resolve("config.json"))).contains("[0.0, Infinity]", "1e-05");
    }

    @Test
    void thePrefixOptionGoesBeforeWhatIsFound() {
        llama(1).attention("model.other.%d.self_attn", 1).write();
        export(1, "--prefix", "model.other.{}.self_attn").isDone();
        assertThat(merged()).containsKey("model.other.0.self_attn.k_scale");
        export(1, "--overwrite", "--prefix", "a.{}.b").fails(ExitCode.DATA, "a.{}.b", "model.other.{}.self_attn");
    }

    @Test
    void layersWithoutScalesMustBeAccepted() {
        llama(5).write();
        export(2)
                .fails(
                        ExitCode.DATA,
                        "the scales have no layers 2, 3, 4, which would run with a scale of 1.0",
                        "config.json",
                        "--skip-layers 2,3,4");
        export(2, "--skip-layers", "2,3").fails(ExitCode.DATA, "no layer 4,", "--skip-layers 2,3,4");
        export(2, "--skip-layers", "1-4").fails(ExitCode.DATA, "names layer 1,", "have scales", "--skip-layers 2,3,4");
        export(5, "--skip-layers", "0").fails(ExitCode.DATA, "names layer 0,", "leave out --skip-layers");
        export(5, "--skip-layers", "7").fails(ExitCode.DATA, "names layer 7,");
        export(2, "--skip-layers", "x").fails(ExitCode.USAGE, "'x'", "0-3");
        export(2, "--skip-layers", "4-2").fails(ExitCode.USAGE, "'4-2'");
        assertThat(out()).doesNotExist();
        assertThat(export(2, "--skip-layers", "2,3-4").isDone().out())
                .endsWith("--kv-cache-dtype fp8 --kv-cache-dtype-skip-layers 2 3 4\n");
        assertThat(merged()).hasSize(4);
    }

    @Test
    void sglangCannotSkipLayers() {
        llama(3).write();
        export(TargetTables.of(TargetTables.FP8, 2), "sglang")
                .fails(ExitCode.DATA, "no layer 2,", "SGLang cannot keep single layers");
        export(TargetTables.of(TargetTables.FP8, 2), "sglang", "--skip-layers", "2")
                .fails(ExitCode.DATA, "no layer 2,", "SGLang cannot keep single layers");
        assertThat(export(TargetTables.of(TargetTables.FP8, 3), "sglang")
                        .isDone()
                        .out())
                .endsWith("--kv-cache-dtype fp8_e4m3\n");
    }

    @Test
    void headsAndLayersMustFitTheModel() {
        llama(2).text("config.json", config("llama", 2, ", \"head_dim\": 64")).write();
        export(2)
                .fails(
                        ExitCode.DATA,
                        "this slot has 2 heads of 32, config.json says 2 of 64",
                        "layer 0 key",
                        "--model");
        llama(2).write();
        export(3).fails(ExitCode.DATA, "the model has 2 layers", "layer 2 key");
        new CheckpointFolder(model()).attention(CheckpointFolder.LLAMA, 1).write();
        export(2).fails(ExitCode.DATA, "layer 1 has scales, but the checkpoint has no attention weights");
    }

    @Test
    void layersThatShareACacheAreRefused() {
        llama(4).text(
                        "config.json",
                        config(
                                "gemma3n_text",
                                4,
                                ", \"head_dim\": 32, \"num_kv_shared_layers\": 2,"
                                        + " \"layer_types\": [\"full_attention\", \"full_attention\", \"full_attention\","
                                        + " \"full_attention\"]"))
                .write();
        export(2).fails(ExitCode.DATA, "layer 2 reads the KV cache of another layer", "16-bit cache");
    }

    @Test
    void aMergedFolderIsNotMergedAgain() throws IOException {
        llama(1).write();
        export(1).isDone();
        Path first = Files.move(out(), work.resolve("first"));
        Files.move(model(), work.resolve("base"));
        Files.move(first, model());
        // The links are absolute, so the weights are back where they were.
        Files.delete(model().resolve("model-00001-of-00002.safetensors"));
        Files.createSymbolicLink(
                model().resolve("model-00001-of-00002.safetensors"), work.resolve("base/model.safetensors"));
        export(1)
                .fails(
                        ExitCode.DATA,
                        "the model has KV scales already",
                        "model-00002-of-00002.safetensors, tensor model.layers.0.self_attn.k_scale",
                        "original folder");
        assertThat(out()).doesNotExist();
    }

    @Test
    void scalesOutsideTheIndexAndSchemesWithoutScalesAreRefused() {
        llama(1).index().write();
        Folder.write(model().resolve("model-kvscales.safetensors"), "");
        export(1).fails(ExitCode.DATA, "which its index does not name", "model-kvscales.safetensors");
        llama(1).quantization(
                        "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {}, \"kv_cache_scheme\": {}}")
                .write();
        Folder.write(model().resolve("model.safetensors.index.json"), "");
        assertThat(model().resolve("model.safetensors.index.json").toFile().delete())
                .isTrue();
        assertThat(model().resolve("model-kvscales.safetensors").toFile().delete())
                .isTrue();
        export(1).fails(ExitCode.DATA, "quantization_config.kv_cache_scheme is set", "config.json");
    }

    @Test
    void outputAndModelMustNotOverlap() throws IOException {
        llama(1).write();
        Path scales = Capture.put(
                work.resolve("r/kv_scales.json"),
                TargetTables.of(TargetTables.FP8, 1).toJson());
        List<Object> words = List.of("export", "--scales", scales, "--for", "vllm", "--model", model(), "--output");
        for (Path output : List.of(model().resolve("x/out"), model(), work)) {
            List<Object> all = new ArrayList<>(words);
            all.add(output);
            all.add("--overwrite");
            Cli.run(all.toArray()).fails(ExitCode.OUTPUT, output.toString());
        }
        // Without --overwrite the folder above may be empty but for the model.
        Path above = work.resolve("above");
        Files.createDirectory(above);
        Files.move(model(), above.resolve("model"));
        Cli.run("export", "--scales", scales, "--for", "vllm", "--model", above.resolve("model"), "--output", above)
                .fails(ExitCode.OUTPUT, above.toString());
        Path link = Files.createSymbolicLink(work.resolve("link"), above.resolve("model"));
        Cli.run(
                        "export",
                        "--scales",
                        scales,
                        "--for",
                        "vllm",
                        "--model",
                        above.resolve("model"),
                        "--output",
                        link.resolve("new"))
                .fails(ExitCode.OUTPUT, "overlap");
    }

    @Test
    void linksOutOfTheModelAreFollowedAndNamed() throws IOException {
        llama(1).write();
        Path snapshot = work.resolve("models--a--b/snapshots/1");
        Files.createDirectories(snapshot.getParent());
        Files.move(model(), snapshot);
        Path blob = work.resolve("models--a--b/blobs/77");
        Files.createDirectories(blob.getParent());
        Files.move(snapshot.resolve("model.safetensors"), blob);
        Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/77"));
        Files.createSymbolicLink(model(), snapshot);
        assertThat(export(1).isDone().err())
                .contains("links lead out of the model's folder: model.safetensors to " + blob.toRealPath());
        assertThat(merged()).hasSize(2);
        export(1, "--copy", "--overwrite").isDone();
        assertThat(out().resolve("model-00001-of-00002.safetensors")).hasSameBinaryContentAs(blob);
        Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/gone"));
        export(1, "--overwrite")
                .fails(ExitCode.DATA, "a link to a file that does not exist", "tokenizer.json", "remove the link");
    }

    @Test
    void onlyTheSchemeIsAddedToCompressedTensors() {
        String quantization = "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"w\": 1.0}},"
                + " \"kv_cache_scheme\": null, \"ignore\": [\"lm_head\"]}";
        llama(1).quantization(quantization).weight("x.weight_scale").write();
        export(1).isDone();
        assertThat(Folder.text(out().resolve("config.json")))
                .contains("{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"w\": 1.0}},"
                        + " \"kv_cache_scheme\": {\n      \"num_bits\" : 8,")
                .endsWith("}, \"ignore\": [\"lm_head\"]}}");
    }

    @Test
    void bothConfigsOfModelOptAreEdited() {
        llama(1).quantization("{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}")
                .text(
                        "hf_quant_config.json",
                        "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": \"NVFP4\","
                                + " \"kv_cache_quant_algo\": null}}")
                .write();
        ScaleTable nvfp4 = TargetTables.of(TargetTables.NVFP4, 1);
        export(nvfp4, "sglang").isDone();
        assertThat(Folder.json(out().resolve("config.json"))
                        .at("/quantization_config/kv_cache_scheme/num_bits")
                        .asInt())
                .isEqualTo(4);
        assertThat(Folder.json(out().resolve("hf_quant_config.json"))
                        .at("/quantization/kv_cache_quant_algo")
                        .asText())
                .isEqualTo("NVFP4");
        // SGLang takes absmax/2688, the others absmax/448, which is 6 times as much.
        assertThat(merged()).containsEntry("model.layers.0.self_attn.k_proj.k_scale", 1 / 64f);
        for (String target : List.of("vllm", "tensorrt-llm", "modelopt")) {
            export(nvfp4, target, "--overwrite").isDone();
            assertThat(merged()).containsEntry("model.layers.0.self_attn.k_proj.k_scale", 6 / 64f);
        }
    }

    @Test
    void modelsWhoseLoadersDropScalesAreRefused() {
        llama(1).quantization("{\"quant_method\": \"awq\"}").write();
        export(1)
                .fails(
                        ExitCode.DATA,
                        "quant_method is awq",
                        "ignores KV scales",
                        "in file " + model() + "/config.json");
        llama(1).text(
                        "config.json",
                        config(
                                "llama",
                                1,
                                ", \"text_config\": {" + SIZES
                                        + ", \"num_hidden_layers\": 1, \"quantization_config\": {\"quant_method\": \"fp8\"}}"))
                .write();
        export(1).fails(ExitCode.DATA, "not at the top of config.json");
        assertThat(out()).doesNotExist();
    }

    @Test
    void aQuantizationConfigThatIsNoObjectIsRefused() {
        for (String config : List.of("\"fp8\"", "[]")) {
            llama(1).quantization(config).write();
            export(1).fails(ExitCode.DATA, "quantization_config is " + config, "in file " + model() + "/config.json");
        }
        assertThat(out()).doesNotExist();
        llama(1).quantization("null").write();
        export(1).isDone();
    }

    @Test
    void damagedModelsAreRefused() throws IOException {
        Path file = llama(1).index().write().resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        Path index = model().resolve("model.safetensors.index.json");
        String listed = Files.readString(index);
        Files.write(file, java.util.Arrays.copyOf(whole, 60));
        export(1).fails(ExitCode.DATA, "model.safetensors", "cut off");
        Files.delete(file);
        export(1).fails(ExitCode.DATA, "the file does not exist", "model.safetensors");
        Files.write(file, whole);
        Files.writeString(index, "{\"weight_map\"");
        export(1).fails(ExitCode.DATA, "not valid JSON", "model.safetensors.index.json");
        for (String hostile : List.of("../evil.safetensors", "/tmp/evil.safetensors")) {
            Files.writeString(index, listed.replaceFirst("\"model.safetensors\"", "\"" + hostile + "\""));
            export(1).fails(ExitCode.DATA, hostile, "plain name");
        }
        Files.delete(index);
        Files.write(model().resolve("again.safetensors"), whole);
        export(1).fails(ExitCode.DATA, "the tensor is in two files");
        Files.delete(model().resolve("again.safetensors"));
        Files.delete(model().resolve("config.json"));
        export(1).fails(ExitCode.DATA, "no config.json", model().toString());
        assertThat(names(work)).containsOnlyKeys("model", "r");
    }

    @Test
    void checkAndInspectReadTheMergedFolder() {
        // Only some classes of SGLang load scales.
        llama(2).text("config.json", config("llama", 2, "").replace("\"A\"", "\"LlamaForCausalLM\""))
                .write();
        ScaleTable table = TargetTables.of(TargetTables.FP8, 2);
        for (String target : List.of("vllm", "sglang")) {
            export(table, target, "--overwrite").isDone();
            assertThat(Cli.run("check", "--model", out(), "--for", target, "--scales", work.resolve("r"))
                            .isDone()
                            .out())
                    .contains("0.015625", "0.0625");
        }
        assertThat(Cli.run("inspect", out()).isDone().out())
                .contains("exported folder", "sglang", table.sha256(), "model.layers.1.self_attn.v_scale");
        Path record = out().resolve("kvscale-export.json");
        Folder.write(record, Folder.text(record).replace("\"model-00002", "\"../model-00002"));
        Cli.run("inspect", out()).fails(ExitCode.DATA, "the file of scales that the record names", "../model-00002");
    }

    @Test
    void aClassThatIgnoresScalesIsNamed() {
        String config = config("qwen3", 1, ", \"head_dim\": 32").replace("LlamaForCausalLM", "Qwen3ForCausalLM");
        llama(1).text("config.json", config).write();
        export(TargetTables.of(TargetTables.FP8, 1), "sglang")
                .fails(
                        ExitCode.DATA,
                        "SGLang would not run layer 0 key with its scale",
                        model().toString(),
                        "nothing was written");
        assertThat(out()).doesNotExist();
        export(1).isDone();
    }

    @Test
    void checkComparesUnderTheConventionOfTheEngine() {
        llama(1).quantization("{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}")
                .write();
        for (String target : List.of("vllm", "sglang")) {
            export(TargetTables.of(TargetTables.NVFP4, 1), target, "--overwrite")
                    .isDone();
            Cli checked =
                    Cli.run("check", "--model", out(), "--for", target, "--scales", work.resolve("r/kv_scales.json"));
            assertThat(checked.code()).as(checked.out()).isIn(ExitCode.DONE, ExitCode.DIFFERENT);
            assertThat(checked.out()).doesNotContain("differ");
        }
    }

    @Test
    void aPipeInTheModelIsRefused() throws Exception {
        llama(1).write();
        assertThat(new ProcessBuilder("mkfifo", model().resolve("pipe").toString())
                        .start()
                        .waitFor())
                .isZero();
        export(1).fails(ExitCode.DATA, "a pipe", model() + "/pipe");
    }

    @Test
    void linksNeedALocalOutput() {
        llama(1).write();
        Path scales = Capture.put(
                work.resolve("r/kv_scales.json"),
                TargetTables.of(TargetTables.FP8, 1).toJson());
        List<Object> words = new ArrayList<>(List.of(
                "export", "--scales", scales, "--for", "vllm", "--model", model(), "--output", "hooked:" + out()));
        Cli.run(words.toArray()).fails(ExitCode.OUTPUT, "not on a local disk", "--copy");
        words.add("--copy");
        Cli.run(words.toArray()).isDone();
        assertThat(merged()).hasSize(2);
    }

    @Test
    void latentAttentionGoesIntoSglangWithModelOptsNames() {
        new CheckpointFolder(model())
                .text(
                        "config.json",
                        config(
                                "deepseek_v2",
                                2,
                                ", \"kv_lora_rank\": 48, \"qk_rope_head_dim\": 16,"
                                        + " \"qk_nope_head_dim\": 16, \"v_head_dim\": 16"))
                .weight("model.layers.0.self_attn.kv_a_proj_with_mqa.weight")
                .weight("model.layers.1.self_attn.kv_a_proj_with_mqa.weight")
                .write();
        List<Slot> slots = List.of(new Slot(0, Role.KEY), new Slot(1, Role.KEY));
        Geometry latent = new Geometry(Dtype.BF16, 1, 64);
        ScaleTable table = TargetTables.of(slot -> TargetTables.FP8, slots, latent);
        export(table, "vllm").fails(ExitCode.DATA, "layer 0 has no value scales", "targets that can: sglang");
        export(table, "sglang").isDone();
        assertThat(merged())
                .containsOnlyKeys("model.layers.0.self_attn.k_proj.k_scale", "model.layers.1.self_attn.k_proj.k_scale");
    }
}
