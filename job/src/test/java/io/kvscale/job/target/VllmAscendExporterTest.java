package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class VllmAscendExporterTest {
    private final VllmAscendExporter ascend = new VllmAscendExporter();

    @Test
    void aSlotHasAScaleAndAnOffsetForEachChannel() {
        for (Strategy strategy : new Strategy[] {Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL}) {
            ScaleTable table = TargetTables.of(QuantizationScheme.of(NumberFormat.INT8, strategy), 1);
            assertThat(ascend.refusal(table)).isNull();
            SortedMap<String, byte[]> files = ascend.export(table, AttentionNames.named("model.language_model"));
            assertThat(files.keySet()).isEqualTo(ascend.files());
            float[] key = new float[64];
            float[] value = new float[64];
            for (int c = 0; c < 64; c++) {
                int scale = strategy == Strategy.TENSOR ? 0 : strategy == Strategy.CHANNEL ? c : c / 32;
                key[c] = 1 / 64f + scale;
                value[c] = 2 / 64f + scale;
            }
            String module = "model.language_model.layers.0.self_attn.";
            assertThat(TargetTables.tensors(files.get("model-kvscales.safetensors")))
                    .containsExactlyInAnyOrder(
                            module + "k_proj.kv_cache_scale[64]=" + Arrays.toString(key),
                            module + "k_proj.kv_cache_offset[64]=" + Arrays.toString(new float[64]),
                            module + "v_proj.kv_cache_scale[64]=" + Arrays.toString(value),
                            module + "v_proj.kv_cache_offset[64]=" + Arrays.toString(new float[64]));
        }
    }

    @Test
    void theDescriptionHasTheTypeAndAnEntryForEachTensor() {
        ScaleTable table = TargetTables.of(TargetTables.INT8, 2);
        JsonNode description = Folder.json(new String(
                ascend.export(table, AttentionNames.PLAIN).get("quant_model_description.json"),
                StandardCharsets.UTF_8));
        assertThat(description).hasSize(9);
        assertThat(description.get("kv_cache_type").asText()).isEqualTo("C8");
        for (int layer = 0; layer < 2; layer++) {
            for (String name : List.of("k_proj", "v_proj")) {
                String module = "model.layers." + layer + ".self_attn." + name;
                assertThat(description.get(module + ".kv_cache_scale").asText()).isEqualTo("C8");
                assertThat(description.get(module + ".kv_cache_offset").asText())
                        .isEqualTo("C8");
            }
        }
        assertThat(String.join("\n", ascend.notes(table))).contains("FLOAT", "--quantization ascend", "index");
        assertThat(ascend.convention()).isEqualTo(ScaleConvention.DEFAULT);
    }

    @Test
    void whatAC8CacheCannotHoldIsRefused() {
        assertThat(ascend.refusal(TargetTables.of(TargetTables.FP8, 1))).contains("layer 0 key is FP8_E4M3");
        assertThat(ascend.refusal(TargetTables.of(
                        QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL, false, new StaticMinMax()), 1)))
                .contains("layer 0 key is INT8, channel, asymmetric");
        assertThat(ascend.refusal(TargetTables.of(
                        slot -> slot.role() == Role.KEY ? TargetTables.INT8 : TargetTables.FP8, TargetTables.slots(1))))
                .contains("layer 0 value is FP8_E4M3");
        assertThat(ascend.refusal(TargetTables.of(slot -> TargetTables.INT8, List.of(new Slot(0, Role.KEY)))))
                .contains("layer 0 has no value scales");
    }
}
