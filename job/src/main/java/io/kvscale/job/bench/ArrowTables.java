package io.kvscale.job.bench;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.rows.CaptureRow;
import io.kvscale.capture.rows.CaptureRows;
import io.kvscale.capture.rows.RowFilter;
import io.kvscale.input.Split;
import io.kvscale.tensor.Geometry;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.hadoop.conf.Configuration;

/** Writes captures as Arrow IPC files: one file per capture, one record batch per tensor. */
final class ArrowTables {
    private ArrowTables() {}

    static Path write(Path captures, Path to) throws IOException {
        Files.createDirectories(to);
        Configuration hadoop = new Configuration();
        List<Split> files = CaptureListing.of(List.of(captures.toString()), hadoop).files().stream()
                .map(file -> Split.plan(List.of(file), 1).get(0))
                .toList();
        try (BufferAllocator allocator = new RootAllocator()) {
            for (Split file : files) {
                CaptureRows.Wanted all = new CaptureRows.Wanted(true, Integer.MAX_VALUE);
                try (CaptureRows rows =
                        new CaptureRows(file, CaptureOptions.defaults(), hadoop, RowFilter.all(), all)) {
                    String name = file.pieces().get(0).file().stem() + ".arrow";
                    write(rows, to.resolve(name), allocator);
                }
            }
        }
        return to;
    }

    private static void write(CaptureRows rows, Path file, BufferAllocator allocator) throws IOException {
        try (VarCharVector sample = new VarCharVector("sample", allocator);
                IntVector layer = new IntVector("layer", allocator);
                VarCharVector role = new VarCharVector("role", allocator);
                VarCharVector dtype = new VarCharVector("dtype", allocator);
                IntVector heads = new IntVector("heads", allocator);
                IntVector headDim = new IntVector("head_dim", allocator);
                VarBinaryVector data = new VarBinaryVector("data", allocator);
                VectorSchemaRoot root = VectorSchemaRoot.of(sample, layer, role, dtype, heads, headDim, data);
                FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                ArrowFileWriter writer = new ArrowFileWriter(root, null, channel)) {
            for (CaptureRow row = rows.next(); row != null; row = rows.next()) {
                Geometry geometry = row.source().geometry();
                sample.setSafe(0, utf8(String.valueOf(row.sample())));
                layer.setSafe(0, row.slot().layer());
                role.setSafe(0, utf8(row.slot().role().word()));
                dtype.setSafe(0, utf8(geometry.dtype().name()));
                heads.setSafe(0, geometry.heads());
                headDim.setSafe(0, geometry.headDim());
                data.setSafe(0, rows.values());
                root.setRowCount(1);
                writer.writeBatch();
            }
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
