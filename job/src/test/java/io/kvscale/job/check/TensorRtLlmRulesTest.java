package io.kvscale.job.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.CheckpointFolder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorRtLlmRulesTest {
    private static final String LAYER = "model.layers.0.self_attn.";

    @TempDir
    private Path folder;

    private CheckpointFolder llama() {
        return CheckpointFolder.llama(folder, 1);
    }

    private CheckpointFolder modelOpt(String algorithm) {
        return llama().text(
                        "hf_quant_config.json",
                        "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": null,"
                                + " \"kv_cache_quant_algo\": \"" + algorithm + "\"}}");
    }

    private static Verdicts check(CheckpointFolder model) {
        return Verdicts.of("tensorrt-llm", model);
    }

    @Test
    void nvfp4UsesScales() {
        Verdicts found =
                check(modelOpt("NVFP4").scale(LAYER + "k_proj.k_scale", 0.5f).scale(LAYER + "v_proj.v_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K loaded [0.5]", "0 V loaded [0.25]");
        assertThat(found.result().cacheType()).isEqualTo("nvfp4");
    }

    @Test
    void oneOfAPairIsRefused() {
        Verdicts found = check(modelOpt("NVFP4").scale(LAYER + "k_proj.k_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K refused []", "0 V refused []");
        assertThat(found.reasons())
                .singleElement()
                .asString()
                .contains("v_proj.v_scale")
                .contains("must both have a scale");
    }

    @Test
    void theSpellingOfCompressedTensorsIsIgnored() {
        Verdicts found = check(modelOpt("NVFP4").scale(LAYER + "k_scale", 0.5f).scale(LAYER + "v_scale", 0.5f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.result().ignored()).hasSize(2);
    }

    @Test
    void fp8RunsWithOneWhateverTheCheckpointSays() {
        Verdicts found =
                check(modelOpt("FP8").scale(LAYER + "k_proj.k_scale", 0.5f).scale(LAYER + "v_proj.v_scale", 0.25f));
        assertThat(found.states()).containsExactly("0 K 1.0 [1.0]", "0 V 1.0 [1.0]");
        assertThat(found.reasons()).singleElement().asString().contains("only with an NVFP4 cache");
        assertThat(found.result().cacheType()).isEqualTo("fp8");
    }

    @Test
    void compressedTensorsOfTheCacheAloneIsRefused() {
        assertThat(check(llama().quantization("{\"quant_method\": \"compressed-tensors\", \"config_groups\": {}}"))
                        .reasons())
                .containsExactly("ValueError: config_groups of quantization_config is missing or empty");
    }

    @Test
    void otherConfigsNameNoType() {
        assertThat(check(llama()).reasons()).containsExactly("the config names no type of the KV cache");
    }
}
