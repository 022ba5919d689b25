package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Scales of queries, for engines that do not read them. */
class QueriesLeftOutTest {
    static Stream<Arguments> exporters() {
        return Stream.of(
                Arguments.of(new OrtGenAiExporter(), TargetTables.INT8),
                Arguments.of(new VllmAscendExporter(), TargetTables.INT8),
                Arguments.of(new LmDeployAscendExporter(), TargetTables.INT8),
                Arguments.of(new TgiExporter(), TargetTables.FP8),
                Arguments.of(new SglangExporter(), TargetTables.FP8),
                Arguments.of(ModelOptExporter.modelOpt(), TargetTables.FP8),
                Arguments.of(new LayerwiseModelOptExporter(), TargetTables.FP8),
                Arguments.of(new ColdPagesExporter(), TargetTables.NVFP4));
    }

    @ParameterizedTest
    @MethodSource("exporters")
    void enginesReadTablesWithoutQueries(ScaleExporter exporter, QuantizationScheme scheme) {
        ScaleTable readable = exporter.readable(withQueries(scheme));
        assertThat(readable.slots().keySet())
                .isEqualTo(TargetTables.of(scheme, 2).slots().keySet());
        assertThat(exporter.refusal(readable)).isNull();
    }

    @Test
    void theTableHasThem() {
        TableExporter table = new TableExporter();
        ScaleTable with = withQueries(TargetTables.INT8);
        assertThat(table.readable(with)).isSameAs(with);
        assertThat(table.export(with, AttentionNames.PLAIN).get("kv_scales.parquet"))
                .isNotEqualTo(table.export(with.cached(), AttentionNames.PLAIN).get("kv_scales.parquet"));
    }

    private static ScaleTable withQueries(QuantizationScheme scheme) {
        List<Slot> slots = new ArrayList<>(TargetTables.slots(2));
        slots.add(new Slot(0, Role.QUERY));
        slots.add(new Slot(1, Role.QUERY));
        return TargetTables.of(slot -> slot.role() == Role.QUERY ? TargetTables.FP8_HEADS : scheme, slots);
    }
}
