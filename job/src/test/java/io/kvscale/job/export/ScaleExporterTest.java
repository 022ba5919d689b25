package io.kvscale.job.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import io.kvscale.job.target.VllmExporter;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new exporter needs one class and one line in the list of exporters. */
class ScaleExporterTest {
    private static final ScaleTable TABLE = new ScaleTable(
            QuantizationScheme.fp8(), new ScaleTable.CorpusSummary("0".repeat(64), 1, 1, 1, 1), new TreeMap<>());

    /** An exporter for an engine that does not exist. */
    private record NoEngineExporter(@Nullable String reason) implements ScaleExporter {
        @Override
        public String engine() {
            return "NoEngine";
        }

        @Override
        public String target() {
            return "no_engine";
        }

        @Override
        public String summary() {
            return "nothing";
        }

        @Override
        public Set<String> files() {
            return Set.of("scales.txt");
        }

        @Override
        public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
            return reason;
        }

        @Override
        public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
            return new TreeMap<>(Map.of("scales.txt", "none".getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static List<String> export(Path folder, List<ScaleExporter> exporters) {
        try (OutputFolder output =
                OutputFolder.open(folder.toString(), true, List.of(), new Configuration(), exporters)) {
            List<String> warnings = ResultFiles.export(TABLE, output, exporters);
            output.write("kv_scales.json", TABLE.toJson());
            output.commit();
            return warnings;
        }
    }

    @Test
    void aListedExporterWritesItsFilesAndMayBeOverwritten(@TempDir Path temp) throws IOException {
        Path folder = temp.resolve("result");
        List<ScaleExporter> exporters = List.of(new VllmExporter(), new NoEngineExporter(null));
        assertThat(export(folder, exporters)).isEmpty();
        assertThat(export(folder, exporters)).isEmpty();
        assertThat(folder.resolve("no_engine/scales.txt")).hasContent("none");
        assertThat(folder.resolve("vllm/config.json")).exists();
        assertThatThrownBy(() -> export(folder, List.of(new VllmExporter())))
                .isInstanceOf(OutputException.class)
                .hasMessageContaining("holds files other than kvscale results: no_engine");
    }

    @Test
    void aRefusalBecomesAWarning(@TempDir Path temp) {
        Path folder = temp.resolve("result");
        assertThat(export(folder, List.of(new NoEngineExporter("it does not exist"))))
                .containsExactly("no files written for NoEngine: it does not exist");
        assertThat(Files.exists(folder.resolve("no_engine"))).isFalse();
        assertThat(Files.exists(folder.resolve("_SUCCESS"))).isTrue();
    }

    @Test
    void everyExporterHasAFolderOfItsOwn() {
        assertThat(Targets.OF_RESULTS).extracting(ScaleExporter::target).doesNotHaveDuplicates();
        assertThat(ResultFiles.names(Targets.OF_RESULTS))
                .hasSize(6
                        + Targets.OF_RESULTS.stream()
                                .mapToInt(exporter -> exporter.files().size())
                                .sum());
    }
}
