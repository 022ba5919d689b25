package io.kvscale.arrow;

import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;

/**
 * The nodes and buffers of a record batch, checked against the schema and the bounds of its body.
 *
 * @param begins positions of the buffers in the file
 * @param bytes lengths of the buffers
 * @param firstOfViews number of view data buffers before each view field; the last element is their total
 */
record BatchLayout(int rows, long[] lengths, long[] nulls, long[] begins, long[] bytes, int[] firstOfViews) {
    /** Bounds the memory for the small columns of a batch. */
    private static final int MAX_ROWS = 1 << 18;

    /** The number of rows that a batch claims. */
    static long rows(MessageFrame frame) {
        return Refusals.guarded(
                "the record batch at byte " + frame.begin(), () -> batch(frame).length());
    }

    static BatchLayout read(MessageFrame frame, TablePlan plan) {
        return Refusals.guarded("the record batch at byte " + frame.begin(), () -> read(batch(frame), frame, plan));
    }

    private static RecordBatch batch(MessageFrame frame) {
        return (RecordBatch) frame.message().header(new RecordBatch());
    }

    private static BatchLayout read(RecordBatch batch, MessageFrame frame, TablePlan plan) {
        if (batch.compression() != null) {
            throw Refusals.refusal(
                    "the record batch at byte " + frame.begin() + " is compressed",
                    "write it uncompressed, in pyarrow: IpcWriteOptions(compression=None), or for feather.write_feather"
                            + " compression='uncompressed'");
        }
        long rows = batch.length();
        if (rows > MAX_ROWS) {
            throw Refusals.refusal(
                    "the record batch at byte " + frame.begin() + " has " + rows + " rows",
                    "write the table in batches of at most " + MAX_ROWS + " rows");
        }
        int[] firstOfViews = views(batch, plan);
        int nodes = batch.nodesLength();
        long buffers = plan.buffers() + (long) firstOfViews[plan.views()];
        // Checked before arrays are allocated: each buffer takes 16 bytes of the metadata.
        if (buffers > batch.getByteBuffer().capacity() / 16
                || rows < 0
                || nodes != plan.nodes()
                || batch.buffersLength() != buffers) {
            throw Refusals.damaged("expected a record batch of " + plan.nodes() + " nodes and " + buffers
                    + " buffers at byte " + frame.begin() + ", got " + nodes + " and " + batch.buffersLength() + ", "
                    + rows + " rows");
        }
        long[] lengths = new long[nodes];
        long[] nulls = new long[nodes];
        FieldNode node = new FieldNode();
        for (int i = 0; i < nodes; i++) {
            batch.nodes(node, i);
            lengths[i] = node.length();
            nulls[i] = node.nullCount();
            if (lengths[i] < 0 || nulls[i] < 0 || nulls[i] > lengths[i]) {
                throw Refusals.damaged("expected a node with at most as many nulls as rows, got one of length "
                        + lengths[i] + " with " + nulls[i] + " nulls in the record batch at byte " + frame.begin());
            }
        }
        long[] begins = new long[(int) buffers];
        long[] bytes = new long[(int) buffers];
        Buffer buffer = new Buffer();
        long body = frame.end() - frame.bodyBegin();
        for (int i = 0; i < buffers; i++) {
            batch.buffers(buffer, i);
            if (buffer.offset() < 0 || buffer.length() < 0 || buffer.length() > body - buffer.offset()) {
                throw Refusals.damaged(
                        "expected buffers within a body of " + body + " bytes, got one of " + buffer.length()
                                + " bytes at " + buffer.offset() + " in the record batch at byte " + frame.begin());
            }
            begins[i] = frame.bodyBegin() + buffer.offset();
            bytes[i] = buffer.length();
        }
        return new BatchLayout((int) rows, lengths, nulls, begins, bytes, firstOfViews);
    }

    private static int[] views(RecordBatch batch, TablePlan plan) {
        if (batch.variadicBufferCountsLength() != plan.views()) {
            throw Refusals.damaged(
                    "expected " + plan.views() + " variadic buffer counts, got " + batch.variadicBufferCountsLength());
        }
        int[] first = new int[plan.views() + 1];
        for (int i = 0; i < plan.views(); i++) {
            long count = batch.variadicBufferCounts(i);
            // Each buffer takes 16 bytes of the metadata, so there cannot be more.
            if (count < 0 || count > MessageFrame.MAX_METADATA || first[i] + count > MessageFrame.MAX_METADATA) {
                throw Refusals.damaged("a view column claims " + count + " buffers");
            }
            first[i + 1] = first[i] + (int) count;
        }
        return first;
    }

    /** The index of a column's first buffer. */
    int firstBuffer(TablePlan.Place place) {
        return place.buffer() + firstOfViews[place.viewsBefore()];
    }
}
