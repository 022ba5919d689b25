package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.table.ScaleTable;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class ColdPagesExporterTest {
    private final ColdPagesExporter coldPages = new ColdPagesExporter();

    @Test
    void writesTheFilesOfTensorRtWithoutAModel() {
        ScaleTable table = TargetTables.of(TargetTables.NVFP4, 1);
        assertThat(coldPages.refusal(table)).isNull();
        AttentionNames names = AttentionNames.named("model.language_model");
        SortedMap<String, byte[]> files = coldPages.export(table, names);
        assertThat(files).containsOnlyKeys(coldPages.files());
        assertThat(files)
                .usingRecursiveComparison()
                .isEqualTo(ModelOptExporter.tensorRtLlm().export(table, names));
        assertThat(TargetTables.tensors(files.get("model-kvscales.safetensors")))
                .first()
                .isEqualTo("model.language_model.layers.0.self_attn.k_proj.k_scale[]=[0.015625]");
        assertThat(coldPages).isNotInstanceOf(ModelExporter.class);
    }

    @Test
    void refusesOtherFormats() {
        assertThat(coldPages.refusal(TargetTables.of(TargetTables.FP8, 1))).contains("layer 0 key is FP8_E4M3");
    }
}
