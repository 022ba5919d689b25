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
                Arguments.of(new TgiExporter(), TargetTables.FP8));
    }

    @ParameterizedTest
    @MethodSource("exporters")
    void theFilesAreThoseWithoutQueriesAndANoteSaysSo(ScaleExporter exporter, QuantizationScheme scheme) {
        ScaleTable without = TargetTables.of(scheme, 2);
        ScaleTable with = withQueries(scheme);
        assertThat(exporter.refusal(with)).isNull();
        assertThat(exporter.export(with, AttentionNames.PLAIN))
                .usingRecursiveComparison()
                .isEqualTo(exporter.export(without, AttentionNames.PLAIN));
        List<String> notes = new ArrayList<>(exporter.notes(without));
        assertThat(notes).noneMatch(note -> note.contains("queries"));
        notes.add("the scales of queries are left out, because " + exporter.engine() + " does not read them");
        assertThat(exporter.notes(with)).isEqualTo(notes);
    }

    @Test
    void theTableHasThem() {
        TableExporter table = new TableExporter();
        ScaleTable with = withQueries(TargetTables.INT8);
        assertThat(table.notes(with)).isEmpty();
        assertThat(table.export(with, AttentionNames.PLAIN).get("kv_scales.parquet"))
                .isNotEqualTo(table.export(TargetTables.of(TargetTables.INT8, 2), AttentionNames.PLAIN)
                        .get("kv_scales.parquet"));
    }

    private static ScaleTable withQueries(QuantizationScheme scheme) {
        List<Slot> slots = new ArrayList<>(TargetTables.slots(2));
        slots.add(new Slot(0, Role.QUERY));
        slots.add(new Slot(1, Role.QUERY));
        return TargetTables.of(slot -> slot.role() == Role.QUERY ? TargetTables.FP8_HEADS : scheme, slots);
    }
}
