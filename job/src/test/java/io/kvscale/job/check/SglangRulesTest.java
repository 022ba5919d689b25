package io.kvscale.job.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.CheckpointFolder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SglangRulesTest {
    private static final String TENSOR = "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {},"
            + " \"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\", \"symmetric\": true, \"strategy\": \"tensor\"}}";
    private static final String LAYER = "model.layers.0.self_attn.";

    @TempDir
    private Path folder;

    private CheckpointFolder llama() {
        return CheckpointFolder.llama(folder, 1);
    }

    private static Verdicts check(CheckpointFolder model) {
        return Verdicts.of("sglang", model);
    }

    @Test
    void loadsScalesByTensor() {
        Verdicts found = check(
                llama().quantization(TENSOR).scale(LAYER + "k_scale", 0.5f).scale(LAYER + "v_proj.v_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
        assertThat(found.result().cacheType()).isEqualTo("fp8_e4m3");
    }

    @Test
    void dropsScalesByHeadWithAWarning() {
        Verdicts found = check(llama().quantization(TENSOR.replace("\"tensor\"", "\"attn_head\""))
                .scale(LAYER + "k_scale", 0.5f, 0.5f)
                .scale(LAYER + "v_scale", 0.25f, 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.reasons()).singleElement().asString().contains("strategy attn_head");
        assertThat(found.result().cacheType()).isEqualTo("16 bits");
    }

    @Test
    void theEnginesOwnSpellingIsDropped() {
        Verdicts found = check(
                llama().quantization(TENSOR).scale(LAYER + "attn.k_scale", 0.5f).scale(LAYER + "attn.v_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.result().ignored()).containsExactly(LAYER + "attn.k_scale", LAYER + "attn.v_scale");
    }

    @Test
    void scalesWithoutAConfigAreNotLoaded() {
        assertThat(check(llama().scale(LAYER + "k_scale", 0.5f)).states())
                .containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
    }

    @Test
    void nvfp4IsNeverChosenByItself() {
        Verdicts found = check(llama().quantization("{\"quant_method\": \"modelopt\", \"quantization\":"
                        + " {\"quant_algo\": \"NVFP4\", \"kv_cache_quant_algo\": \"NVFP4\"}}")
                .scale(LAYER + "k_proj.k_scale", 0.5f)
                .scale(LAYER + "v_proj.v_scale", 0.5f));
        assertThat(found.result().isOk()).isTrue();
        assertThat(found.result().needed()).isEqualTo("nvfp4");
        assertThat(found.result().notes()).singleElement().asString().contains("SM100");
    }

    @Test
    void modelOptNeedsAnAlgorithmOfWeightsAndOfTheCache() {
        assertThat(check(llama().quantization("{\"quant_method\": \"modelopt\"}"))
                        .reasons())
                .singleElement()
                .asString()
                .contains("Cannot find 'quant_algo'");
        Verdicts none = check(CheckpointFolder.llama(folder.resolve("b"), 1)
                .quantization("{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}")
                .scale(LAYER + "k_proj.k_scale", 0.5f));
        assertThat(none.reasons()).containsExactly("ModelOpt's config has no kv_cache_quant_algo");
    }

    @Test
    void latentCachesTakeModelOptsSpelling() {
        CheckpointFolder model = new CheckpointFolder(folder)
                .text("config.json", "{\"num_hidden_layers\": 1}")
                .quantization(TENSOR)
                .weight(LAYER + "kv_a_proj_with_mqa.weight");
        assertThat(check(model.scale(LAYER + "k_proj.k_scale", 0.5f)).states()).containsExactly("0 K loaded [0.5]");
        assertThat(check(new CheckpointFolder(folder.resolve("b"))
                                .text("config.json", "{\"num_hidden_layers\": 1}")
                                .quantization(TENSOR)
                                .weight(LAYER + "kv_a_proj_with_mqa.weight")
                                .scale(LAYER + "k_scale", 0.5f))
                        .states())
                .containsExactly("0 K 1.0 [1.0]");
    }

    @Test
    void otherMethodsHaveNoParameters() {
        assertThat(check(llama().quantization("{\"quant_method\": \"awq\"}").scale(LAYER + "k_scale", 0.5f))
                        .reasons())
                .containsExactly("quant_method awq has no parameters for scales of the KV cache");
    }

    @Test
    void eachClassLoadsWeightsByItself() {
        for (String family : new String[] {"Qwen3", "Qwen3Next"}) {
            CheckpointFolder model = new CheckpointFolder(folder.resolve(family))
                    .text(
                            "config.json",
                            "{\"num_hidden_layers\": 1, \"architectures\": [\"" + family + "ForCausalLM\"]}")
                    .quantization(TENSOR)
                    .weight(LAYER + "k_proj.weight")
                    .scale(LAYER + "k_scale", 0.5f)
                    .scale(LAYER + "v_proj.v_scale", 0.5f);
            Verdicts found = check(model);
            assertThat(found.result().isOk()).isFalse();
            assertThat(found.result().cacheType()).isEqualTo("fp8_e4m3");
            assertThat(found.reasons())
                    .first()
                    .asString()
                    .contains(family.equals("Qwen3") ? "no scales in its class Qwen3ForCausalLM" : "K has none");
        }
    }

    private CheckpointFolder of(String architecture) {
        return new CheckpointFolder(folder.resolve(architecture))
                .text("config.json", "{\"num_hidden_layers\": 1, \"architectures\": [\"" + architecture + "\"]}")
                .weight(LAYER + "k_proj.weight");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Olmo2ForCausalLM", "StableLmForCausalLM", "GPTBigCodeForCausalLM", "GraniteForCausalLM"})
    void someClassesStopAtTensorsOfScales(String architecture) {
        Verdicts found = check(of(architecture).quantization(TENSOR).scale(LAYER + "k_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons()).singleElement().asString().startsWith("KeyError: the class " + architecture);
        assertThat(check(of(architecture)).states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CohereForCausalLM",
                "GPTJForCausalLM",
                "Gemma3ForCausalLM",
                "GlmMoeDsaForCausalLM",
                "LlamaForCausalLM",
                "Ministral3ForCausalLM",
                "Phi3ForCausalLM",
                "TeleFLMForCausalLM"
            })
    void someClassesLoadScales(String architecture) {
        CheckpointFolder model = of(architecture)
                .quantization(TENSOR)
                .scale(LAYER + "k_scale", 0.5f)
                .scale(LAYER + "v_scale", 0.25f);
        assertThat(check(model).states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Glm4ForCausalLM",
                "MixtralForCausalLM",
                "PhiForCausalLM",
                "Qwen2ForCausalLM",
                "Qwen3MoeForCausalLM",
                "Starcoder2ForCausalLM"
            })
    void mostClassesDropScales(String architecture) {
        assertThat(check(of(architecture).quantization(TENSOR).scale(LAYER + "k_scale", 0.5f))
                        .states())
                .containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
    }

    @Test
    void zeroCountsAsMissing() {
        Verdicts found =
                check(llama().quantization(TENSOR).scale(LAYER + "k_scale", 0).scale(LAYER + "v_scale", 0));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.reasons()).containsExactly("0.0 counts as missing");
    }

    @Test
    void fp8AndQuarkNeedTheType() {
        for (String method : new String[] {"fp8", "quark"}) {
            Verdicts found = check(CheckpointFolder.llama(folder.resolve(method), 1)
                    .quantization("{\"quant_method\": \"" + method + "\", \"export\": {\"kv_cache_group\": []}}")
                    .scale(LAYER + "k_proj.output_scale", 0.5f)
                    .scale(LAYER + "v_proj.output_scale", 0.5f));
            assertThat(found.result().isOk()).isTrue();
            assertThat(found.result().needed()).isEqualTo("fp8_e4m3");
        }
    }
}
