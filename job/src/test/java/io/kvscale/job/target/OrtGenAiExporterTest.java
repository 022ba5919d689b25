package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrtGenAiExporterTest {
    private final OrtGenAiExporter ort = new OrtGenAiExporter();

    /** The file for a table under the target's convention, as {@code export} writes it. */
    private JsonNode exported(ScaleTable table) {
        assertThat(ort.refusal(table)).isNull();
        ScaleTable solved = ort.convention().apply(table, null);
        var files = ort.export(solved, AttentionNames.PLAIN);
        assertThat(files.keySet()).isEqualTo(ort.files()).containsExactly("kv_cache_scales.json");
        return Folder.json(new String(files.get("kv_cache_scales.json"), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource({"INT8, 128, int8", "INT4, 8, int4", "FP8_E4M3, 448, fp8"})
    void aScaleOfATensorIsANumberOnTheGridOfOnnxRuntime(NumberFormat format, double qmax, String word) {
        ScaleTable table = TargetTables.of(QuantizationScheme.of(format, Strategy.TENSOR), 2);
        JsonNode file = exported(table);
        assertThat(file.fieldNames()).toIterable().containsExactly("scales", "layer_ids", "qmax");
        assertThat(file.get("qmax").doubleValue()).isEqualTo(qmax);
        assertThat(file.get("layer_ids")).hasToString("[0,1]");
        for (Role role : Role.CACHED) {
            JsonNode scales = file.get("scales").get(role == Role.KEY ? "k_scales" : "v_scales");
            assertThat(scales).hasSize(2);
            for (int layer = 0; layer < 2; layer++) {
                float most = table.slots().get(new Slot(layer, role)).rangeMax()[0];
                assertThat(scales.get(layer).isNumber()).isTrue();
                assertThat(scales.get(layer).doubleValue()).isEqualTo(most / (float) qmax);
            }
        }
        assertThat(ort.notes(table).get(0))
                .contains("kv_cache_quant_scheme=" + word + "_per_tensor", "kv_cache_scale_file=kv_cache_scales.json");
        assertThat(String.join("\n", ort.notes(table))).doesNotContain("RoPE");
        assertThat(ort.notes(table).size() > 1).isEqualTo(format == NumberFormat.INT4);
    }

    @Test
    void channelsAreHeadMajor() {
        ScaleTable table = TargetTables.of(QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.CHANNEL), 1);
        JsonNode keys = exported(table).get("scales").get("k_scales").get(0);
        assertThat(keys).hasSize(64);
        for (int c = 0; c < 64; c++) {
            assertThat(keys.get(c).doubleValue()).isEqualTo(1 / 64.0 + c);
        }
        assertThat(ort.notes(table)).hasSize(2).first().asString().contains("fp8_per_channel");
        assertThat(ort.notes(table).get(1)).contains("RoPE");
    }

    @Test
    void headsAndTensorsAreWrittenOutByChannel() {
        ScaleTable table = TargetTables.of(
                slot -> QuantizationScheme.of(
                        NumberFormat.FP8_E4M3, slot.role() == Role.KEY ? Strategy.ATTN_HEAD : Strategy.TENSOR),
                TargetTables.slots(1));
        JsonNode scales = exported(table).get("scales");
        for (int c = 0; c < 64; c++) {
            assertThat(scales.get("k_scales").get(0).get(c).doubleValue()).isEqualTo(c < 32 ? 1 / 64.0 : 1 / 64.0 + 1);
            assertThat(scales.get("v_scales").get(0).get(c).doubleValue()).isEqualTo(2 / 64.0);
        }
        assertThat(scales.get("v_scales").get(0)).hasSize(64);
        assertThat(ort.notes(table)).singleElement().asString().contains("fp8_per_channel");
    }

    @Test
    void layersWithoutACacheAreLeftOut() {
        ScaleTable table = TargetTables.of(
                slot -> TargetTables.INT8,
                List.of(
                        new Slot(3, Role.KEY),
                        new Slot(3, Role.VALUE),
                        new Slot(11, Role.KEY),
                        new Slot(11, Role.VALUE)));
        assertThat(exported(table).get("layer_ids")).hasToString("[3,11]");
    }

    /** Python reads f64 and rounds it to f32. */
    @Test
    void everyNumberIsTheF64OfTheF32Scale() {
        ScaleTable table = TargetTables.of(QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL), 3);
        ScaleTable solved = ort.convention().apply(table, null);
        JsonNode keys = exported(table).get("scales").get("k_scales");
        for (int layer = 0; layer < 3; layer++) {
            SlotScales slot = solved.slots().get(new Slot(layer, Role.KEY));
            for (int c = 0; c < 64; c++) {
                assertThat(keys.get(layer).get(c).doubleValue()).isEqualTo(slot.scale()[c]);
            }
        }
    }

    @Test
    void whatTheBuilderHasNoSchemeForIsRefused() {
        QuantizationScheme group = new QuantizationScheme(
                NumberFormat.INT8, Strategy.GROUP, 16, true, new StaticMinMax(), ScaleDtype.FLOAT32);
        for (QuantizationScheme scheme : List.of(
                group,
                QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new StaticMinMax()),
                QuantizationScheme.of(NumberFormat.FP8_E5M2, Strategy.TENSOR),
                QuantizationScheme.of(NumberFormat.FP4_E2M1, Strategy.TENSOR),
                TargetTables.NVFP4)) {
            assertThat(ort.refusal(TargetTables.of(
                            slot -> slot.layer() == 1 ? scheme : TargetTables.INT8, TargetTables.slots(2))))
                    .contains(
                            "layer 1 key is " + scheme.format(),
                            scheme.strategy().word(),
                            "ONNX Runtime GenAI");
        }
        assertThat(ort.refusal(TargetTables.of(
                        slot -> slot.role() == Role.KEY ? TargetTables.INT8 : TargetTables.FP8, TargetTables.slots(1))))
                .contains("layer 0 value is FP8_E4M3", "layer 0 key is INT8", "kv_cache_quant_scheme");
        assertThat(ort.refusal(TargetTables.of(slot -> TargetTables.INT8, List.of(new Slot(0, Role.KEY)))))
                .contains("layer 0 has no value scales");
    }
}
