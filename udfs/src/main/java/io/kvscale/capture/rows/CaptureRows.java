package io.kvscale.capture.rows;

import io.kvscale.capture.CaptureHeader;
import io.kvscale.capture.CaptureRules;
import io.kvscale.capture.FileProblem;
import io.kvscale.capture.SlotTensor;
import io.kvscale.capture.TensorValues;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.SampleNames;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.Blocks;
import io.kvscale.input.ByteSource;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.tensor.InvalidDataException;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The captures of a split as rows, in the order of their bytes: one a task, not thread-safe.
 *
 * <p>A row belongs to the piece of a file that holds its first byte. Headers are read as rows are asked for, values only
 * if they are.
 */
public final class CaptureRows implements Closeable {
    private final CaptureRules rules;
    private final Configuration configuration;
    private final RowFilter filter;
    private final Wanted wanted;
    private final Blocks blocks = new Blocks();
    private final Iterator<FilePiece> pieces;
    private List<CaptureRow> rows = List.of();
    private long[] readEnds = {};
    private int next;
    private @Nullable InputFile file;
    private @Nullable ByteSource source;
    private @Nullable BlockWindow window;
    private long readBytes;

    /**
     * What will be asked of the rows.
     *
     * @param values whether the values of most rows of the files will be
     * @param maxBytes rows of more are cut along tokens
     */
    public record Wanted(boolean values, long maxBytes) implements Serializable {}

    public CaptureRows(
            Split split, CaptureOptions options, Configuration configuration, RowFilter filter, Wanted wanted) {
        this.rules = new CaptureRules(options);
        this.configuration = configuration;
        this.filter = filter;
        this.wanted = wanted;
        this.pieces = split.pieces().iterator();
    }

    /**
     * The next row; null behind the last.
     *
     * @throws InvalidDataException if a file is not a sound capture; it names file, sample and tensor
     */
    public @Nullable CaptureRow next() {
        while (next == rows.size()) {
            close();
            if (!pieces.hasNext()) {
                return null;
            }
            open(pieces.next());
        }
        return rows.get(next++);
    }

    private void open(FilePiece piece) {
        InputFile opened = piece.file();
        file = opened;
        try {
            ByteSource bytes = ByteSource.open(opened, configuration);
            source = bytes;
            BlockWindow view = new BlockWindow(bytes, blocks.of(bytes), !wanted.values);
            window = view;
            List<CaptureRow> found = new ArrayList<>();
            for (SlotTensor tensor : CaptureHeader.read(piece, view, rules).tensors()) {
                for (CaptureRow row : CaptureRow.of(tensor, wanted.maxBytes)) {
                    if (piece.holds(row.begin()) && filter.includes(row.sample(), row.slot())) {
                        found.add(row);
                    }
                }
            }
            rows = found;
            next = 0;
            readEnds = BlockWindow.readEnds(
                    found.stream().mapToLong(CaptureRow::begin).toArray(),
                    found.stream().mapToLong(CaptureRow::end).toArray(),
                    wanted.values ? BlockWindow.GAP : BlockWindow.SMALL_GAP);
        } catch (InvalidDataException e) {
            throw FileProblem.of(opened, e);
        } catch (IOException e) {
            throw FileProblem.of(opened, e);
        }
    }

    /** Gives the values of the row that came last, padding included, as {@link TensorValues#forEachChunk} does. */
    public void read(TensorValues.Chunks chunks) {
        reading(view -> {
            rows.get(next - 1).read(view, readEnds[next - 1], chunks);
            return true;
        });
    }

    /** The values of the row that came last: {@code [heads, tokens, head_dim]}, little endian, without padding. */
    public byte[] values() {
        return reading(view -> rows.get(next - 1).values(view, readEnds[next - 1]));
    }

    private interface Reading<T> {
        T from(BlockWindow window) throws IOException;
    }

    private <T> T reading(Reading<T> reading) {
        BlockWindow view = window;
        InputFile opened = file;
        if (view == null || opened == null || next == 0) {
            throw new IllegalStateException("there is no row, or the next one was asked for");
        }
        try {
            return reading.from(view);
        } catch (IOException e) {
            throw FileProblem.of(opened, e);
        }
    }

    /** Bytes taken from files so far, headers and gaps included. */
    public long readBytes() {
        return readBytes + (window == null ? 0 : window.readBytes());
    }

    @Override
    public void close() {
        readBytes = readBytes();
        window = null;
        rows = List.of();
        next = 0;
        try (ByteSource closed = source) {
            source = null;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close " + file, e);
        }
    }

    /** False only where the file's name shows that none of its rows is wanted; the rows of a table name their samples. */
    public static boolean mayHold(InputFile file, RowFilter filter) {
        return !SampleNames.areOfFile(file)
                || filter.mayInclude(file.stem())
                || (TensorNames.isConnectorFile(file) && filter.mayInclude(file.folder()));
    }
}
