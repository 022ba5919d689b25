package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class TgiExporterTest {
    private final TgiExporter tgi = new TgiExporter();

    @Test
    void scalesAreScalarsBelowTheAttentionModule() {
        ScaleTable table = TargetTables.of(TargetTables.FP8, 1);
        assertThat(tgi.refusal(table)).isNull();
        SortedMap<String, byte[]> files = tgi.export(table, AttentionNames.named("language_model.model"));
        assertThat(files.keySet()).isEqualTo(tgi.files());
        assertThat(TargetTables.tensors(files.get("model-kvscales.safetensors")))
                .containsExactly(
                        "language_model.model.layers.0.self_attn.k_scale[]=[0.015625]",
                        "language_model.model.layers.0.self_attn.v_scale[]=[0.03125]");
        assertThat(tgi.notes(table)).singleElement().asString().contains("--kv-cache-dtype fp8_e4m3fn");
    }

    @Test
    void otherSchemesAndSingleRolesAreRefused() {
        assertThat(tgi.refusal(TargetTables.of(TargetTables.FP8_HEADS, 1)))
                .contains("layer 0 key is FP8_E4M3, attn_head");
        assertThat(tgi.refusal(TargetTables.of(
                        slot -> slot.layer() == 1 ? TargetTables.INT8 : TargetTables.FP8, TargetTables.slots(2))))
                .contains("layer 1 key is INT8");
        assertThat(tgi.refusal(TargetTables.of(slot -> TargetTables.FP8, List.of(new Slot(2, Role.VALUE)))))
                .contains("layer 2 has no key scales", "1.0");
    }
}
