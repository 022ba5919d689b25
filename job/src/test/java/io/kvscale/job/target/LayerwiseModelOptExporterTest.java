package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerwiseModelOptExporterTest {
    private final LayerwiseModelOptExporter layerwise = new LayerwiseModelOptExporter();

    private static QuantizationScheme scheme(Slot slot) {
        boolean nvfp4 = slot.layer() == 1 || slot.layer() == 3 && slot.role() == Role.VALUE;
        return nvfp4 ? TargetTables.NVFP4 : TargetTables.FP8;
    }

    @Test
    void writesTheAlgorithmOfEachLayer() {
        List<Slot> slots =
                TargetTables.slots(4).stream().filter(slot -> slot.layer() != 2).toList();
        ScaleTable table = TargetTables.of(LayerwiseModelOptExporterTest::scheme, slots);
        assertThat(layerwise.refusal(table)).isNull();
        assertThat(Folder.json(new String(
                                layerwise.export(table, AttentionNames.PLAIN).get("hf_quant_config.json"),
                                StandardCharsets.UTF_8))
                        .path("quantization"))
                .isEqualTo(
                        Folder.json(
                                "{\"quant_algo\": null, \"kv_cache_quant_algo\": \"MIXED_PRECISION\","
                                        + " \"kv_cache_schema_version\": 1, \"kv_cache_quantized_layers\": {"
                                        + "\"model.layers.0.self_attn\": {\"quant_algo\": \"FP8\"},"
                                        + " \"model.layers.1.self_attn\": {\"quant_algo\": \"NVFP4\"},"
                                        + " \"model.layers.3.self_attn\": {\"quant_algo\": \"FP8_K_NVFP4_V\"}}, \"exclude_modules\": []}"));
        assertThat(layerwise.notes(table)).singleElement().asString().contains("56116");
        assertThat(layerwise.skipsLayers()).isTrue();
    }

    @Test
    void aModelOfModelOptGetsTheSameKeysInBothConfigs() {
        ModelOverlay overlay = layerwise.overlay(
                TargetTables.of(TargetTables.FP8, 1),
                AttentionNames.PLAIN,
                TargetTables.model(
                        "{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}",
                        "{\"quantization\": {\"quant_algo\": \"FP8\"}}"));
        assertThat(overlay.config().get(0).entries())
                .isEqualTo(overlay.quantConfig().get(0).entries());
        assertThat(overlay.config().get(0).object()).containsExactly("quantization_config");
        assertThat(overlay.quantConfig().get(0).object()).containsExactly("quantization");
    }

    @Test
    void refusesLayersThatTheSchemaHasNoWordFor() {
        assertThat(layerwise.refusal(TargetTables.of(
                        slot -> slot.role() == Role.KEY ? TargetTables.NVFP4 : TargetTables.FP8,
                        TargetTables.slots(1))))
                .contains("layer 0 key is NVFP4, but its value is fp8");
        assertThat(layerwise.refusal(TargetTables.of(TargetTables.INT8, 1))).contains("layer 0 key is INT8");
    }
}
