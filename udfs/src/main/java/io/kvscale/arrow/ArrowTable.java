package io.kvscale.arrow;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.Schema;

/**
 * A table of K and V in Arrow's IPC format, file or stream: one row a tensor. Gives where the values lie and reads all but
 * them; nothing that the file says is trusted.
 *
 * <p>Of a file, only the record batches are read that have bytes in the part that is wanted; of a stream, the metadata of
 * those before it too.
 */
public final class ArrowTable {
    /** Bytes of a file that say whether it is one. */
    public static final int MAGIC_BYTES = 8;

    private static final long FILE = 0x0000_3157_4f52_5241L; // ARROW1 00 00
    private static final String NO_ROWS = "the table holds no rows";

    private final Bytes bytes;
    private final TableQuery query;
    private final long from;
    private final long to;
    private final Rows rows;

    /** Receives the rows, a record batch at a time, in the order of the file. */
    public interface Rows {
        /** @throws InvalidDataException which comes back in {@link #problem} */
        void batch(List<ArrowRow> batch);

        /**
         * A batch that cannot be used; the others follow, as far as they can be found, so that the first problem of all
         * can be told whatever the cuts.
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

    /** Whether a file is an Arrow table, by its first {@link #MAGIC_BYTES} as a little-endian number. */
    public static boolean isArrow(long start) {
        return start == FILE || isStream(start) || isOldStream(start);
    }

    private static boolean isStream(long start) {
        return (int) start == MessageFrame.CONTINUATION;
    }

    /** Before Arrow 0.15: the length of the metadata, then its first word, which points a few bytes ahead. */
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
     * @param start the first bytes, for which {@link #isArrow} holds
     * @throws InvalidDataException if nothing can be read: no schema, a column that is absent, a table without rows
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
                    "the file is an Arrow stream in the form before version 0.15",
                    "read it and write it again with a current Arrow library");
        }
    }

    private void file() throws IOException {
        IpcFooter footer = IpcFooter.read(bytes, query);
        boolean any = false;
        for (int i = 0; i < footer.blocks().size(); i++) {
            IpcFooter.Extent block = footer.blocks().get(i);
            // Beyond the part that is wanted only for as long as it is not certain that there are rows at all.
            if (!any || block.touches(from, to)) {
                any |= batch(i, footer, block);
            } else if (block.begin() >= to) {
                break;
            }
        }
        if (!any) {
            throw Refusals.refusal(NO_ROWS, "leave the empty file out");
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

    /** @return whether the batch has rows, or might have */
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
                    throw Refusals.damaged("a message at byte " + position + " that is no record batch");
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
                    "write one stream to a file: what follows its end is not read");
        }
        if (!any) {
            throw Refusals.refusal(NO_ROWS, "leave the empty file out");
        }
    }
}
