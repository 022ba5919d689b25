package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class ModelOptExporterTest {
    private final ModelOptExporter modelOpt = ModelOptExporter.modelOpt();
    private final ModelOptExporter tensorRt = ModelOptExporter.tensorRtLlm();

    @Test
    void writesScalarsAndTheNestedConfig() {
        ScaleTable table = TargetTables.of(TargetTables.FP8, 1);
        assertThat(modelOpt.refusal(table)).isNull();
        SortedMap<String, byte[]> files = modelOpt.export(table, AttentionNames.PLAIN);
        assertThat(files).containsOnlyKeys(modelOpt.files());
        assertThat(TargetTables.tensors(files.get("model-kvscales.safetensors")))
                .containsExactly(
                        "model.layers.0.self_attn.k_proj.k_scale[]=[0.015625]",
                        "model.layers.0.self_attn.v_proj.v_scale[]=[0.03125]");
        assertThat(Folder.json(new String(files.get("hf_quant_config.json"), StandardCharsets.UTF_8)))
                .isEqualTo(
                        Folder.json(
                                "{\"producer\": {\"name\": \"modelopt\", \"version\": \"0.47.0\"}, \"quantization\":"
                                        + " {\"quant_algo\": null, \"kv_cache_quant_algo\": \"FP8\", \"exclude_modules\": []}}"));
    }

    @Test
    void saysWhatEnginesDoNotUse() {
        ScaleTable fp8 = TargetTables.of(TargetTables.FP8, 1);
        assertThat(tensorRt.notes(fp8)).singleElement().asString().contains("not used", "1.0");
        assertThat(tensorRt.notes(TargetTables.of(TargetTables.NVFP4, 1))).isEmpty();
        assertThat(modelOpt.notes(fp8)).singleElement().asString().contains("--for vllm");
    }

    @Test
    void refusesOtherSchemesAndHalves() {
        for (ModelOptExporter exporter : List.of(modelOpt, tensorRt)) {
            assertThat(exporter.refusal(TargetTables.of(TargetTables.INT8, 1)))
                    .contains("layer 0 key is INT8", exporter.engine());
            assertThat(exporter.refusal(TargetTables.of(TargetTables.FP8_HEADS, 1)))
                    .contains("attn_head");
            assertThat(exporter.refusal(TargetTables.of(slot -> TargetTables.FP8, List.of(new Slot(0, Role.KEY)))))
                    .contains("layer 0 has no value scales");
            assertThat(exporter.refusal(TargetTables.of(
                            slot -> slot.layer() == 0 ? TargetTables.FP8 : TargetTables.NVFP4, TargetTables.slots(2))))
                    .contains("schemes differ");
            assertThat(exporter.refusal(
                            TargetTables.of(TargetTables.FP8, 1),
                            TargetTables.model("{\"quant_method\": \"compressed-tensors\"}")))
                    .contains("quant_method is compressed-tensors");
        }
    }

    @Test
    void tensorRtReadsNvfp4FromItsOwnFileOnly() {
        ScaleTable nvfp4 = TargetTables.of(TargetTables.NVFP4, 1);
        String flat = "{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}";
        assertThat(tensorRt.refusal(nvfp4, TargetTables.model(flat))).contains("no hf_quant_config.json");
        assertThat(modelOpt.refusal(nvfp4, TargetTables.model(flat))).isNull();
        ModelQuantization both = TargetTables.model(flat, "{\"quantization\": {\"quant_algo\": \"FP8\"}}");
        assertThat(tensorRt.refusal(nvfp4, both)).isNull();
        assertThat(TargetTables.edits(
                        tensorRt.overlay(nvfp4, AttentionNames.PLAIN, both).quantConfig()))
                .isEqualTo(Map.of("quantization", Map.of("kv_cache_quant_algo", "NVFP4")));
    }
}
