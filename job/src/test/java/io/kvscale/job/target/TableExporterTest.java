package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableExporterTest {
    private static final List<String> COLUMNS =
            List.of("layer", "role", "head", "channel", "scale", "zero_point", "low", "high", "count", "format");

    private final TableExporter exporter = new TableExporter();

    @TempDir
    private Path temp;

    private Path file(ScaleTable table) throws IOException {
        assertThat(exporter.refusal(table)).isNull();
        byte[] bytes = exporter.export(table, AttentionNames.PLAIN).get("kv_scales.parquet");
        assertThat(exporter.export(table, AttentionNames.PLAIN).get("kv_scales.parquet"))
                .isEqualTo(bytes);
        return Files.write(temp.resolve("kv_scales.parquet"), bytes);
    }

    /** The rows, values separated by spaces; "-" for null. */
    private List<String> rows(ScaleTable table) throws IOException {
        List<String> rows = new ArrayList<>();
        try (ParquetReader<Group> reader = ParquetReader.builder(
                        new GroupReadSupport(),
                        new org.apache.hadoop.fs.Path(file(table).toUri()))
                .withConf(new Configuration())
                .build()) {
            for (Group row = reader.read(); row != null; row = reader.read()) {
                List<String> values = new ArrayList<>();
                for (String column : COLUMNS) {
                    values.add(
                            row.getFieldRepetitionCount(column) == 0
                                    ? "-"
                                    : row.getValueToString(row.getType().getFieldIndex(column), 0));
                }
                rows.add(String.join(" ", values));
            }
        }
        return rows;
    }

    @Test
    void aSharedScaleHasNoHeadAndNoChannel() throws IOException {
        assertThat(rows(TargetTables.of(TargetTables.FP8, 2)))
                .containsExactly(
                        "0 key - - 0.015625 0.0 0.0 7.0 1 fp8_e4m3",
                        "0 value - - 0.03125 0.0 0.0 14.0 1 fp8_e4m3",
                        "1 key - - 0.046875 0.0 0.0 21.0 1 fp8_e4m3",
                        "1 value - - 0.0625 0.0 0.0 28.0 1 fp8_e4m3");
        assertThat(rows(TargetTables.of(TargetTables.FP8_HEADS, 1)))
                .startsWith("0 key 0 - 0.015625 0.0 0.0 7.0 1 fp8_e4m3", "0 key 1 - 1.015625 0.0 0.0 455.0 1 fp8_e4m3")
                .hasSize(4);
    }

    @Test
    void channelsAndGroupsHaveARowForEachChannel() throws IOException {
        List<String> channels = rows(TargetTables.of(QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL), 1));
        assertThat(channels).hasSize(128);
        assertThat(channels.get(33)).startsWith("0 key 1 1 33.015625 ");
        List<String> groups = rows(TargetTables.of(
                new QuantizationScheme(
                        NumberFormat.INT4, Strategy.GROUP, 16, true, new StaticMinMax(), ScaleDtype.FLOAT32),
                1));
        assertThat(groups).hasSize(128);
        assertThat(groups.get(15)).startsWith("0 key 0 15 0.015625 ");
        assertThat(groups.get(16)).startsWith("0 key 0 16 1.015625 ");
        assertThat(groups.get(63)).startsWith("0 key 1 31 3.015625 ");
    }

    @Test
    void aGlobalScaleKeepsItsConvention() throws IOException {
        ScaleTable table = TargetTables.of(TargetTables.NVFP4, 1);
        assertThat(exporter.convention().apply(table, null)).isSameAs(table);
        assertThat(rows(table)).hasSize(2).first().asString().endsWith(" nvfp4:multiplier");
    }

    @Test
    void zeroPointsAreWrittenAndAbsentRangesAreNull() throws IOException {
        ScaleTable whole = TargetTables.of(
                QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new StaticMinMax()), 1);
        TreeMap<io.kvscale.tensor.Slot, SlotScales> slots = new TreeMap<>();
        whole.slots()
                .forEach((slot, scales) -> slots.put(
                        slot,
                        new SlotScales(
                                scales.scheme(),
                                scales.geometry(),
                                scales.scale(),
                                new float[] {-28},
                                new float[] {Float.NaN},
                                new float[] {Float.NaN},
                                0,
                                1,
                                1L << 40,
                                0,
                                0,
                                null,
                                null,
                                null)));
        assertThat(rows(new ScaleTable(whole.scheme(), whole.corpus(), slots)))
                .first()
                .asString()
                .isEqualTo("0 key - - 0.015625 -28.0 - - 1099511627776 int8");
    }

    @Test
    void nothingInTheFileDependsOnACodecOrTheClock() throws IOException {
        Path file = file(TargetTables.of(TargetTables.FP8, 1));
        try (ParquetFileReader reader = ParquetFileReader.open(
                HadoopInputFile.fromPath(new org.apache.hadoop.fs.Path(file.toUri()), new Configuration()))) {
            assertThat(reader.getFooter().getBlocks().get(0).getColumns())
                    .hasSize(COLUMNS.size())
                    .allMatch(column -> column.getCodec() == CompressionCodecName.UNCOMPRESSED);
            assertThat(reader.getFileMetaData().getKeyValueMetaData()).containsOnlyKeys("writer.model.name");
            assertThat(reader.getFileMetaData().getCreatedBy()).startsWith("parquet-mr version ");
        }
    }
}
