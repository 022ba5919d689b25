package io.kvscale.job.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VllmRulesTest {
    private static final String TENSOR = "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {},"
            + " \"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\", \"symmetric\": true, \"strategy\": \"tensor\"}}";
    private static final String LAYER = "model.layers.0.self_attn.";

    @TempDir
    private Path folder;

    private CheckpointFolder llama() {
        return CheckpointFolder.llama(folder, 1);
    }

    private static Verdicts check(CheckpointFolder model, Integer... skipped) {
        return Verdicts.of("vllm", model, skipped);
    }

    @Test
    void llmCompressorsScalesAreLoaded() {
        Verdicts found = check(
                llama().quantization(TENSOR).scale(LAYER + "k_scale", 0.5f).scale(LAYER + "v_scale", 1));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [1.0]");
        assertThat(found.result().isOk()).isTrue();
        assertThat(found.result().cacheType()).isEqualTo("fp8");
        assertThat(found.result().needed()).isNull();
        assertThat(found.result().notes()).singleElement().asString().contains("MI300");
    }

    @Test
    void aMissingScaleIsOneAndTheOtherIsKept() {
        Verdicts found = check(llama().quantization(TENSOR).scale(LAYER + "k_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V 1.0 [1.0]");
        assertThat(found.reasons()).containsExactly("no tensor of the checkpoint becomes " + LAYER + "attn.v_scale");
        assertThat(found.result().isOk()).isFalse();
    }

    @Test
    void aFileThatTheIndexDoesNotNameIsNotRead() {
        Verdicts found = check(llama().index()
                .quantization(TENSOR)
                .file("model-kvscales.safetensors")
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.reasons())
                .containsExactly("the scale is in model-kvscales.safetensors, which model.safetensors.index.json does"
                        + " not name, so it is not read");
    }

    @Test
    void scalesWithoutAQuantizationConfigStopTheLoader() {
        Verdicts found = check(llama().scale(LAYER + "k_scale", 0.5f).scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons()).singleElement().asString().contains("no quantization_config");
        assertThat(check(CheckpointFolder.llama(folder.resolve("plain"), 1)).states())
                .containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dtype", "torch_dtype"})
    void otherMethodsRoundToTheDtypeOfTheModel(String key) {
        for (String method : List.of("modelopt", "fp8", "quark")) {
            CheckpointFolder model = CheckpointFolder.llama(folder.resolve(method), 1)
                    .quantization("{\"quant_method\": \"" + method + "\", \"quant_algo\": \"FP8\","
                            + " \"kv_cache_quant_algo\": \"FP8\", \"export\": {\"kv_cache_group\": []}}, \"" + key
                            + "\": \"bfloat16\"")
                    .scale(LAYER + "k_scale", 0.012486049f)
                    .scale(LAYER + "v_scale", 0.5f);
            Verdicts found = check(model);
            assertThat(found.states()).containsExactly("0 K loaded [0.012512207]", "0 V loaded [0.5]");
            assertThat(found.result().notes())
                    .singleElement()
                    .asString()
                    .contains("rounds the scales of quant_method " + method, "in bfloat16");
            CheckResult same = new ExpectedScales(Map.of(
                            new Slot(0, Role.KEY), new float[] {0.012486049f}, new Slot(0, Role.VALUE), new float[] {
                                0.5f
                            }))
                    .compare(found.result());
            assertThat(same.isOk()).isTrue();
        }
    }

    @Test
    void theValuesOfFilesAreShownWhereTheDtypeIsNotKnown() {
        Verdicts found = check(llama().quantization("{\"quant_method\": \"fp8\"}, \"dtype\": \"float32\"")
                .scale(LAYER + "k_scale", 0.012486049f)
                .scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K loaded [0.012486049]", "0 V loaded [0.5]");
        assertThat(found.result().notes()).singleElement().asString().contains("not known here");
    }

    @Test
    void someClassesStopAtTensorsOfScales() {
        String config = "{\"num_hidden_layers\": 1, \"architectures\": [\"JambaForCausalLM\"]}";
        CheckpointFolder model = new CheckpointFolder(folder)
                .text("config.json", config)
                .quantization(TENSOR)
                .weight(LAYER + "k_proj.weight")
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0.5f);
        Verdicts found = check(model);
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons()).singleElement().asString().contains("class JambaForCausalLM");
    }

    @Test
    void namesThatFitNoModuleStopTheLoader() {
        for (String name : List.of("layers.0.self_attn.k_scale", LAYER + "k_proj.output_scale")) {
            Verdicts found = check(CheckpointFolder.llama(folder.resolve(name), 1)
                    .quantization(TENSOR)
                    .scale(name, 0.5f));
            assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
            assertThat(found.reasons()).singleElement().asString().contains(name, "belongs to no module");
        }
    }

    @Test
    void aNameBelowAttnIsNotChanged() {
        Verdicts found = check(
                llama().quantization(TENSOR).scale(LAYER + "attn.k_scale", 0.5f).scale(LAYER + "attn.v_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
    }

    @Test
    void twoTensorsOfOneParameterAreAmbiguous() {
        Verdicts found = check(llama().quantization(TENSOR)
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "k_proj.k_scale", 0.25f)
                .scale(LAYER + "v_scale", 0.25f));
        assertThat(found.states().get(0)).startsWith("0 K invalid");
        assertThat(found.reasons()).singleElement().asString().contains("both become");
    }

    @Test
    void compressedTensorsLoadsUnusableValues() {
        Verdicts found =
                check(llama().quantization(TENSOR).scale(LAYER + "k_scale", 0).scale(LAYER + "v_scale", Float.NaN));
        assertThat(found.states()).containsExactly("0 K invalid [0.0]", "0 V invalid [NaN]");
    }

    @Test
    void theLoaderTakesOneElementForATensor() {
        Verdicts found = check(llama().quantization(TENSOR)
                .scale(LAYER + "k_scale", 0.5f, 0.5f)
                .scale(LAYER + "v_scale", List.of(), 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V loaded [0.5]");
        assertThat(found.reasons()).containsExactly("the tensor has 2 elements, expected one");
    }

    @Test
    void scalesByHeadHaveOneElementForEachKvHead() {
        String config = TENSOR.replace("\"tensor\"", "\"attn_head\"");
        Verdicts found = check(llama().quantization(config)
                .scale(LAYER + "k_scale", List.of(2L, 1L, 1L), 0.5f, 0.25f)
                .scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5, 0.25]", "0 V invalid [0.5]");
        assertThat(found.reasons())
                .containsExactly("the tensor has one element for 2 KV heads, which serves all of them");
        assertThat(found.result().notes()).singleElement().asString().contains("FlashAttention 3");
        assertThat(check(CheckpointFolder.llama(folder.resolve("b"), 1)
                                .quantization(config.replace("config_groups", "groups")))
                        .reasons())
                .singleElement()
                .asString()
                .contains("config_groups");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"type\": \"float\"->\"type\": \"int\"",
                "\"num_bits\": 8->\"num_bits\": 4",
                "\"strategy\": \"tensor\"->\"strategy\": \"channel\"",
                "\"symmetric\": true->\"symmetric\": false",
                "\"num_bits\": 8->\"num_bits\": 8e999999999"
            })
    void otherSchemesAreRefused(String change) {
        String[] parts = change.split("->");
        Verdicts found = check(llama().quantization(TENSOR.replace(parts[0], parts[1]))
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons()).singleElement().asString().contains("NotImplementedError");
    }

    @Test
    void modelOptsScalesAreLoaded() {
        String flat =
                "{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\", \"kv_cache_scheme\": {\"dynamic\": false,"
                        + " \"num_bits\": 8, \"type\": \"float\"}}";
        Verdicts found = check(llama().quantization(flat)
                .scale(LAYER + "k_proj.k_scale", List.of(), 0.5f)
                .scale(LAYER + "v_proj.v_scale", List.of(), 0.25f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
        assertThat(found.result().cacheType()).isEqualTo("fp8_e4m3");
    }

    @Test
    void modelOptsNestedConfigNamesTheTypeOfTheCache() {
        String nested = "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": \"NVFP4\","
                + " \"kv_cache_quant_algo\": \"NVFP4\", \"group_size\": 16, \"exclude_modules\": []}}";
        Verdicts found = check(llama().text("hf_quant_config.json", nested)
                .scale(LAYER + "k_proj.k_scale", 0.5f)
                .scale(LAYER + "v_proj.v_scale", 0.25f));
        assertThat(found.result().cacheType()).isEqualTo("nvfp4");
        assertThat(found.result().isOk()).isTrue();
        assertThat(check(llama().text("hf_quant_config.json", nested.replace("group_size", "group")))
                        .reasons())
                .singleElement()
                .asString()
                .contains("no group_size");
    }

    @Test
    void configsThatContradictEachOtherAreNamed() {
        Verdicts found = check(llama().quantization("{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}")
                .text("hf_quant_config.json", "{\"quantization\": {\"kv_cache_quant_algo\": \"FP8\"}}"));
        assertThat(found.result().notes())
                .last()
                .asString()
                .startsWith("config.json says nothing for the KV cache, hf_quant_config.json says FP8");
    }

    @Test
    void modelOptWithoutAnAlgorithmOfWeightsIsRefused() {
        Verdicts found = check(llama().text(
                        "hf_quant_config.json",
                        "{\"quantization\": {\"quant_algo\": null, \"kv_cache_quant_algo\": \"FP8\"}}")
                .scale(LAYER + "k_proj.k_scale", 0.5f)
                .scale(LAYER + "v_proj.v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons()).singleElement().asString().contains("Missing 'quant_algo'");
    }

    @Test
    void theBaseMethodSharesOneScaleOfAPair() {
        String fp8 = "{\"quant_method\": \"fp8\"}";
        Verdicts key = check(llama().quantization(fp8).scale(LAYER + "kv_scale", 0.5f));
        assertThat(key.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.5]");
        assertThat(key.reasons()).singleElement().asString().contains("V runs with the scale of K");
        assertThat(key.result().cacheType()).isEqualTo("16 bits");
        assertThat(key.result().needed()).isEqualTo("fp8");
        Verdicts value = check(
                CheckpointFolder.llama(folder.resolve("v"), 1).quantization(fp8).scale(LAYER + "v_scale", 0.5f));
        assertThat(value.states()).containsExactly("0 K refused []", "0 V refused []");
        Verdicts zero = check(CheckpointFolder.llama(folder.resolve("z"), 1)
                .quantization(fp8)
                .scale(LAYER + "k_scale", 0)
                .scale(LAYER + "v_scale", -1));
        assertThat(zero.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(zero.reasons()).containsExactly("K's scale 0.0 is not above 0");
        Verdicts negative = check(
                CheckpointFolder.llama(folder.resolve("n"), 1).quantization(fp8).scale(LAYER + "k_scale", -0.5f));
        assertThat(negative.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(negative.reasons()).first().asString().isEqualTo("-0.5 counts as missing");
        Verdicts half = check(CheckpointFolder.llama(folder.resolve("h"), 1)
                .quantization(fp8)
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0));
        assertThat(half.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.5]");
    }

    @Test
    void quarksOutputScalesAreLoaded() {
        String quark = "{\"quant_method\": \"quark\", \"export\": {\"kv_cache_group\": [\"*k_proj\"]},"
                + " \"layer_quant_config\": {\"*k_proj\": {\"output_tensors\": {\"dtype\": \"fp8_e4m3\","
                + " \"qscheme\": \"per_tensor\"}}}}";
        Verdicts found = check(llama().quantization(quark)
                .scale(LAYER + "k_proj.output_scale", 0.5f)
                .scale(LAYER + "v_proj.output_scale", 0.25f)
                .scale(LAYER + "q_proj.output_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
        assertThat(found.result().ignored()).isEmpty();
        assertThat(check(llama().quantization(quark.replace("fp8_e4m3", "int8")))
                        .reasons())
                .singleElement()
                .asString()
                .contains("not fp8_e4m3");
        assertThat(check(CheckpointFolder.llama(folder.resolve("q"), 1).quantization("{\"quant_method\": \"quark\"}"))
                        .reasons())
                .containsExactly("Quark's config has no export.kv_cache_group");
    }

    @ParameterizedTest
    @ValueSource(strings = {"awq", "GPTQ", "mxfp4", "bitsandbytes", "unheard_of"})
    void otherMethodsDropScales(String method) {
        Verdicts found = check(llama().quantization("{\"quant_method\": \"" + method + "\"}")
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.reasons()).singleElement().asString().containsIgnoringCase(method);
    }

    @Test
    void latentCachesLoadNoScales() {
        Verdicts found = check(new CheckpointFolder(folder)
                .text("config.json", "{\"num_hidden_layers\": 1}")
                .quantization(TENSOR)
                .weight(LAYER + "kv_a_proj_with_mqa.weight")
                .scale(LAYER + "k_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]");
        assertThat(found.reasons()).singleElement().asString().contains("MLA");
    }

    @Test
    void skippedLayersAreAsIntended() {
        Verdicts found = check(
                CheckpointFolder.llama(folder, 2)
                        .quantization(TENSOR)
                        .scale(LAYER + "k_scale", 0.5f)
                        .scale(LAYER + "v_scale", 0.5f),
                1);
        assertThat(found.states().subList(2, 4)).containsExactly("1 K 16 bits []", "1 V 16 bits []");
        assertThat(found.result().isOk()).isTrue();
    }

    @Test
    void otherFamiliesHaveOtherModules() {
        String module = "gpt_neox.layers.0.attention.";
        Verdicts found = check(new CheckpointFolder(folder)
                .text("config.json", "{\"num_hidden_layers\": 1}")
                .quantization(TENSOR)
                .weight(module + "query_key_value.weight")
                .scale(module + "k_scale", 0.5f)
                .scale(module + "v_scale", 0.5f));
        assertThat(found.result().isOk()).isTrue();
    }

    @Test
    void aModuleThatIsCalledAttnKeepsItsNameAndMeetsNoParameter() {
        Verdicts found = check(new CheckpointFolder(folder)
                .text("config.json", "{\"n_layer\": 1}")
                .quantization(TENSOR)
                .weight("h.0.attn.c_attn.weight")
                .scale("h.0.attn.k_scale", 0.5f)
                .scale("h.0.attn.v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.result().ignored()).containsExactly("h.0.attn.k_scale", "h.0.attn.v_scale");
    }
}
