package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.jspecify.annotations.Nullable;

/**
 * Writes a scale table as Parquet, for SQL: a row for each scale, ordered by layer, K before V, head and channel. {@code head}
 * and {@code channel} are null where they share a scale; a scale of strategy group is repeated for each of its channels. The
 * file is not compressed, because compressed bytes differ between versions of the native codecs.
 */
public final class TableExporter implements ScaleExporter {
    private static final String FILE = "kv_scales.parquet";
    private static final MessageType ROW = MessageTypeParser.parseMessageType("""
            message scales {
              required int32 layer;
              required binary role (STRING);
              optional int32 head;
              optional int32 channel;
              required float scale;
              required float zero_point;
              optional float low;
              optional float high;
              required int64 count;
              required binary format (STRING);
            }
            """);

    @Override
    public String target() {
        return "table";
    }

    @Override
    public String engine() {
        return "SQL";
    }

    @Override
    public String summary() {
        return "any scheme, as a Parquet table with a row for each scale";
    }

    @Override
    public Set<String> files() {
        return Set.of(FILE);
    }

    @Override
    public ScaleConvention convention() {
        return ScaleConvention.OWN;
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        return null;
    }

    @Override
    public ScaleTable readable(ScaleTable table) {
        return table;
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        MemoryFile file = new MemoryFile();
        try (ParquetWriter<Group> writer = ExampleParquetWriter.builder(file)
                .withConf(new Configuration(false))
                .withType(ROW)
                .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
                .build()) {
            for (Map.Entry<Slot, SlotScales> slot : table.slots().entrySet()) {
                write(slot.getKey(), slot.getValue(), writer);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return new TreeMap<>(Map.of(FILE, file.bytes()));
    }

    private static void write(Slot slot, SlotScales scales, ParquetWriter<Group> writer) throws IOException {
        Strategy strategy = scales.scheme().strategy();
        Geometry geometry = scales.geometry();
        boolean byChannel = strategy == Strategy.CHANNEL || strategy == Strategy.GROUP;
        int rows = byChannel ? geometry.channels() : scales.scale().length;
        for (int row = 0; row < rows; row++) {
            int channel = row * (geometry.channels() / rows);
            int i = ChannelScales.index(scales, channel);
            Group group = new SimpleGroup(ROW);
            group.add("layer", slot.layer());
            group.add("role", slot.role().word());
            if (byChannel || strategy == Strategy.ATTN_HEAD) {
                group.add("head", channel / geometry.headDim());
            }
            if (byChannel) {
                group.add("channel", channel % geometry.headDim());
            }
            group.add("scale", scales.scale()[i]);
            group.add("zero_point", scales.zeroPoint()[i]);
            if (!Float.isNaN(scales.rangeMin()[i])) {
                group.add("low", scales.rangeMin()[i]);
                group.add("high", scales.rangeMax()[i]);
            }
            group.add("count", scales.count());
            group.add("format", format(scales.scheme()));
            writer.write(group);
        }
    }

    private static String format(QuantizationScheme scheme) {
        GlobalScale convention = scheme.globalScale();
        return convention == null ? scheme.format().word() : "nvfp4:" + convention.word();
    }
}
