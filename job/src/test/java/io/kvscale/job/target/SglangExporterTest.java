package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import org.junit.jupiter.api.Test;

class SglangExporterTest {
    private final SglangExporter sglang = new SglangExporter();

    @Test
    void tensorScalesAreThoseOfVllm() {
        ScaleTable table = TargetTables.of(TargetTables.FP8, 2);
        assertThat(sglang.refusal(table)).isNull();
        assertThat(sglang.export(table, AttentionNames.PLAIN))
                .usingRecursiveComparison()
                .isEqualTo(new VllmExporter().export(table, AttentionNames.PLAIN));
        assertThat(sglang.start("M", table.scheme(), List.of()))
                .isEqualTo("python -m sglang.launch_server --model-path M --kv-cache-dtype fp8_e4m3");
        assertThat(sglang.notes(table)).first().asString().contains("35455");
        assertThat(sglang.skipsLayers()).isFalse();
    }

    @Test
    void headsAreRefusedBecauseTheCacheWouldRunUnscaled() {
        assertThat(sglang.refusal(TargetTables.of(TargetTables.FP8_HEADS, 1)))
                .contains("layer 0 key is FP8_E4M3, attn_head", "1.0");
        assertThat(sglang.refusal(TargetTables.of(TargetTables.INT8, 1))).contains("INT8");
    }

    @Test
    void latentAttentionHasModelOptsNames() {
        ScaleTable latent = TargetTables.of(slot -> TargetTables.FP8, List.of(new Slot(0, Role.KEY)));
        assertThat(sglang.refusal(latent)).isNull();
        assertThat(TargetTables.tensors(
                        sglang.export(latent, AttentionNames.PLAIN).get("model-kvscales.safetensors")))
                .containsExactly("model.layers.0.self_attn.k_proj.k_scale[]=[0.015625]");
    }

    @Test
    void nvfp4GoesIntoAModelOfModelOptOnly() {
        ScaleTable nvfp4 = TargetTables.of(TargetTables.NVFP4, 1);
        assertThat(sglang.refusal(nvfp4)).contains("layer 0 key is FP4_E2M1");
        ModelQuantization model = TargetTables.model("{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}");
        assertThat(sglang.refusal(nvfp4, model)).isNull();
        assertThat(sglang.start("M", nvfp4.scheme(), List.of())).endsWith("--kv-cache-dtype nvfp4");
        assertThat(TargetTables.edits(
                        sglang.overlay(nvfp4, AttentionNames.PLAIN, model).config()))
                .hasToString("{quantization_config={kv_cache_scheme={dynamic=false, num_bits=4, type=float}}}");
    }
}
