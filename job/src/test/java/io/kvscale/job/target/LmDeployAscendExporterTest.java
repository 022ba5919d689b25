package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LmDeployAscendExporterTest {
    /** The pattern of LMDeploy 0.16. */
    private static final Pattern LMDEPLOY = Pattern.compile("scale:\\s*([\\d.\\-]+)\\s*offset:\\s*(-?\\d+)");

    private final LmDeployAscendExporter ascend = new LmDeployAscendExporter();

    private String text(ScaleTable table) {
        assertThat(ascend.refusal(table)).isNull();
        return new String(
                ascend.export(table, AttentionNames.PLAIN).get("kv_cache_scales.txt"), StandardCharsets.US_ASCII);
    }

    @Test
    void aLayerHasALineForKAndOneForV() {
        ScaleTable table = TargetTables.of(TargetTables.INT8, 2);
        assertThat(text(table))
                .isEqualTo("scale: 0.015625 offset: 0\nscale: 0.03125 offset: 0\n"
                        + "scale: 0.046875 offset: 0\nscale: 0.0625 offset: 0\n");
        assertThat(String.join("\n", ascend.notes(table)))
                .contains("ASCEND_QUANT_RECORD_FILE", "--eager-mode", "exactly 2 layers");
    }

    /** Python's float() reads f64, which then becomes f32. */
    @Test
    void decimalsWithoutExponentsGiveTheSameBits() {
        Random random = new Random(17);
        List<Float> scales = new ArrayList<>(List.of(
                Float.MIN_VALUE,
                Float.MIN_NORMAL,
                Float.MAX_VALUE,
                1e10f,
                1e-10f,
                1f,
                100f,
                0.1f,
                0x1p-126f,
                12345678f));
        while (scales.size() < 20_000) {
            float scale = Float.intBitsToFloat(random.nextInt(0x7f800000));
            scales.add(scale == 0 ? 1f : scale);
        }
        TreeMap<Slot, SlotScales> slots = new TreeMap<>();
        for (int i = 0; i < scales.size(); i++) {
            float[] one = {scales.get(i)};
            slots.put(
                    new Slot(i / 2, i % 2 == 0 ? Role.KEY : Role.VALUE),
                    new SlotScales(
                            TargetTables.INT8,
                            new Geometry(Dtype.F32, 1, 16),
                            one,
                            new float[1],
                            one,
                            one,
                            0,
                            0,
                            1,
                            0,
                            0,
                            null,
                            null,
                            null));
        }
        ScaleTable whole = TargetTables.of(TargetTables.INT8, 1);
        Matcher found = LMDEPLOY.matcher(text(new ScaleTable(whole.scheme(), whole.corpus(), slots)));
        for (float scale : scales) {
            assertThat(found.find()).isTrue();
            assertThat((float) Double.parseDouble(found.group(1))).isEqualTo(scale);
            assertThat(found.group(2)).isEqualTo("0");
        }
        assertThat(found.find()).isFalse();
    }

    @Test
    void onlyInt8ByTensorIsAccepted() {
        assertThat(ascend.refusal(TargetTables.of(TargetTables.FP8, 1))).contains("layer 0 key is FP8_E4M3");
        assertThat(ascend.refusal(TargetTables.of(QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL), 1)))
                .contains("layer 0 key is INT8, channel");
        assertThat(ascend.refusal(TargetTables.of(
                        QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new StaticMinMax()), 1)))
                .contains("asymmetric");
        assertThat(ascend.refusal(TargetTables.of(slot -> TargetTables.INT8, List.of(new Slot(0, Role.KEY)))))
                .contains("layer 0 has no value scales");
    }
}
