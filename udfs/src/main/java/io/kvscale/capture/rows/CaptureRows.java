package io.kvscale.capture.rows;

import io.kvscale.capture.CaptureFiles;
import io.kvscale.capture.SampleNames;
import io.kvscale.capture.SlotTensor;
import io.kvscale.capture.TensorValues;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.tensor.InvalidDataException;
import java.io.Closeable;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The captures of a split as rows, in the order of their bytes: one instance per task, not thread-safe.
 *
 * <p>A row belongs to the piece of a file that holds its first byte. A header is read when its first row is asked for,
 * values only when they are asked for.
 */
public final class CaptureRows implements Closeable {
    private final CaptureFiles files;
    private final RowFilter filter;
    private final Wanted wanted;
    private final Iterator<FilePiece> pieces;
    private List<CaptureRow> rows = List.of();
    private long[] readEnds = {};
    private int next;

    /**
     * What the caller will ask of the rows.
     *
     * @param values whether it will read the values of most rows
     * @param maxBytes rows with more bytes of values are cut along tokens
     */
    public record Wanted(boolean values, long maxBytes) implements Serializable {}

    public CaptureRows(
            Split split, CaptureOptions options, Configuration configuration, RowFilter filter, Wanted wanted) {
        this.files = new CaptureFiles(options, configuration, !wanted.values);
        this.filter = filter;
        this.wanted = wanted;
        this.pieces = split.pieces().iterator();
    }

    /**
     * The next row; null after the last.
     *
     * @throws InvalidDataException if a file is not a valid capture; it names file, sample and tensor
     */
    public @Nullable CaptureRow next() {
        while (next == rows.size()) {
            files.finish();
            close();
            if (!pieces.hasNext()) {
                return null;
            }
            open(pieces.next());
        }
        return rows.get(next++);
    }

    private void open(FilePiece piece) {
        List<CaptureRow> found = new ArrayList<>();
        for (SlotTensor tensor : files.open(piece)) {
            for (CaptureRow row : CaptureRow.of(tensor, wanted.maxBytes)) {
                if (piece.holds(row.begin()) && filter.includes(row.sample(), row.slot())) {
                    found.add(row);
                }
            }
        }
        rows = found;
        readEnds = BlockWindow.readEnds(
                found.stream().mapToLong(CaptureRow::begin).toArray(),
                found.stream().mapToLong(CaptureRow::end).toArray(),
                wanted.values ? BlockWindow.GAP : BlockWindow.SMALL_GAP);
    }

    /** Gives the values of the last row, padding included, as {@link TensorValues#forEachChunk} does. */
    public void read(TensorValues.Chunks chunks) {
        current().read(files, readEnds[next - 1], chunks);
    }

    /** The values of the last row: {@code [heads, tokens, head_dim]}, little endian, without padding. */
    public byte[] values() {
        return current().values(files, readEnds[next - 1]);
    }

    private CaptureRow current() {
        if (next == 0) {
            throw new IllegalStateException("no row has been read, or there are no more");
        }
        return rows.get(next - 1);
    }

    /** Bytes read from files so far, headers and gaps included. */
    public long readBytes() {
        return files.readBytes();
    }

    @Override
    public void close() {
        rows = List.of();
        next = 0;
        files.close();
    }

    /** False only if the file's name shows that no row of it is wanted. */
    public static boolean mayHold(InputFile file, RowFilter filter) {
        return SampleNames.mayHold(file, filter::mayInclude);
    }
}
