package io.kvscale.arrow;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.Schema;

/**
 * A K/V table in Arrow's IPC format, file or stream, with one row per tensor. Reads and checks every column but the
 * values, and gives the position of the values.
 *
 * <p>From a file, only record batches in the wanted part are read; from a stream, also the metadata of those before.
 */
public final class ArrowTable {
    private static final long FILE = 0x0000_3157_4f52_5241L; // ARROW1 00 00
    private static final String NO_ROWS = "the table has no rows";

    private final Bytes bytes;
    private final TableQuery query;
    private final long from;
    private final long to;
    private final Rows rows;

    /** Receives the rows by record batch, in the order of the file. */
    public interface Rows {
        /** @throws InvalidDataException which is then passed to {@link #problem} */
        void batch(List<ArrowRow> batch);

        /**
         * Receives the error of an invalid batch. Later batches follow as far as they can be found, so that the first
         * error, by sample, does not depend on how the file is cut.
         */
        void problem(InvalidDataException problem);
    }

    private ArrowTable(Bytes bytes, TableQuery query, long from, long to, Rows rows) {
        this.bytes = bytes;
        this.query = query;
        this.from = from;
        this.to = to;
        this.rows = rows;
    }

    /** Whether a file is an Arrow table, by its first 8 bytes as a little-endian number. */
    public static boolean isArrow(long start) {
        return start == FILE || isStream(start) || isOldStream(start);
    }

    private static boolean isStream(long start) {
        return (int) start == MessageFrame.CONTINUATION;
    }

    /** The form before Arrow 0.15: the length of the metadata, then the offset of its root table. */
    private static boolean isOldStream(long start) {
        int length = (int) start;
        int root = (int) (start >>> Integer.SIZE);
        return length >= 16
                && length <= MessageFrame.MAX_METADATA
                && length % 4 == 0
                && root >= 4
                && root <= 256
                && root % 4 == 0;
    }

    /**
     * Reads every record batch with a byte in {@code [from, to)}.
     *
     * @param start the first 8 bytes, for which {@link #isArrow} is true
     * @throws InvalidDataException if nothing can be read: no schema, a missing column, no rows
     */
    public static void read(long start, Bytes bytes, TableQuery query, long from, long to, Rows rows)
            throws IOException {
        ArrowTable table = new ArrowTable(bytes, query, from, to, rows);
        if (start == FILE) {
            table.file();
        } else if (isStream(start)) {
            table.stream();
        } else {
            throw Refusals.refusal(
                    "the file is an Arrow stream in the format before Arrow 0.15",
                    "read it and write it again with a current Arrow library");
        }
    }

    private void file() throws IOException {
        IpcFooter footer = IpcFooter.read(bytes, query);
        boolean any = false;
        for (int i = 0; i < footer.blocks().size(); i++) {
            IpcFooter.Extent block = footer.blocks().get(i);
            // Reads batches outside the wanted part only until one is known to have rows.
            if (!any || block.touches(from, to)) {
                any |= batch(i, footer, block);
            } else if (block.begin() >= to) {
                break;
            }
        }
        if (!any) {
            throw Refusals.refusal(NO_ROWS, "remove the empty file");
        }
    }

    private boolean batch(int index, IpcFooter footer, IpcFooter.Extent block) throws IOException {
        try {
            MessageFrame frame = MessageFrame.read(bytes, block.begin(), footer.limit(), true);
            if (frame == null
                    || frame.type() != MessageHeader.RecordBatch
                    || frame.bodyBegin() != block.body()
                    || frame.end() != block.end()) {
                throw Refusals.damaged("the footer and the message at byte " + block.begin() + " disagree");
            }
            return batch(index, frame, footer.plan());
        } catch (InvalidDataException e) {
            rows.problem(e);
            return true;
        }
    }

    /** @return whether the batch has rows or may have rows */
    private boolean batch(int index, MessageFrame frame, TablePlan plan) throws IOException {
        try {
            if (BatchLayout.rows(frame) == 0) {
                return false;
            }
            if (frame.touches(from, to)) {
                rows.batch(BatchReader.read(frame, index, plan, query, bytes));
            }
        } catch (InvalidDataException e) {
            rows.problem(e);
        }
        return true;
    }

    private void stream() throws IOException {
        MessageFrame frame = MessageFrame.read(bytes, 0, bytes.length(), false);
        if (frame == null || frame.type() != MessageHeader.Schema) {
            throw Refusals.damaged("the stream does not begin with a schema");
        }
        MessageFrame first = frame;
        TablePlan plan = Refusals.guarded(
                "the schema",
                () -> SchemaReader.read(
                        (Schema) first.message().header(new Schema()),
                        first.message().version(),
                        query));
        boolean any = false;
        int index = 0;
        long position = frame.end();
        try {
            while (!any || position < to) {
                frame = MessageFrame.read(bytes, position, bytes.length(), false);
                if (frame == null) {
                    end(position, any);
                    return;
                }
                if (frame.type() == MessageHeader.RecordBatch) {
                    any |= batch(index++, frame, plan);
                } else if (frame.type() != MessageHeader.DictionaryBatch) {
                    throw Refusals.damaged("the message at byte " + position + " is not a record batch");
                }
                position = frame.end();
            }
        } catch (InvalidDataException e) {
            rows.problem(e);
        }
    }

    private void end(long position, boolean any) {
        if (bytes.length() - position > MessageFrame.PREFIX) {
            throw Refusals.refusal(
                    "the Arrow stream ends at byte " + position + " of " + bytes.length(),
                    "write one stream per file; bytes after its end are not read");
        }
        if (!any) {
            throw Refusals.refusal(NO_ROWS, "remove the empty file");
        }
    }
}
