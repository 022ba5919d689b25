package io.kvscale.arrow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Schema;

/**
 * The footer of an IPC file: the schema and the positions of the record batches.
 *
 * <pre>
 *   0          8                 end - 10 - N     end - 10  end - 6    end
 *   +----------+-----------------+----------------+---------+----------+
 *   | ARROW1   | messages        | N bytes:       | N, i32, | ARROW1   |
 *   | 00 00    |                 | Footer         | little  |          |
 *   +----------+-----------------+----------------+---------+----------+
 * </pre>
 *
 * @param blocks the record batches in the order of their bytes, without overlap
 * @param limit position after the last message
 */
record IpcFooter(TablePlan plan, List<Extent> blocks, long limit) {
    /** Enough for more than two million record batches. */
    private static final int MAX_FOOTER = 64 << 20;

    private static final byte[] MAGIC = {'A', 'R', 'R', 'O', 'W', '1'};
    private static final int HEAD = 8;
    private static final int TAIL = Integer.BYTES + 6;

    /** The position of a record batch: metadata in {@code [begin, body)}, buffers in {@code [body, end)}. */
    record Extent(long begin, long body, long end) {
        boolean touches(long from, long to) {
            return begin < to && end > from;
        }
    }

    static IpcFooter read(Bytes bytes, TableQuery query) throws IOException {
        long tail = bytes.length() - TAIL;
        if (tail < HEAD) {
            throw Refusals.damaged("a file of " + bytes.length() + " bytes is too short for a footer");
        }
        ByteBuffer end = MessageFrame.bytes(bytes, tail, TAIL);
        int length = end.getInt();
        for (byte expected : MAGIC) {
            if (end.get() != expected) {
                throw Refusals.damaged("expected the file to end with ARROW1, got other bytes");
            }
        }
        long limit = tail - length;
        if (length < 1 || length > MAX_FOOTER || limit < HEAD) {
            throw Refusals.damaged("expected a footer of at most " + Math.min(MAX_FOOTER, tail - HEAD)
                    + " bytes, got a length of " + length);
        }
        ByteBuffer content = MessageFrame.bytes(bytes, limit, length).order(ByteOrder.LITTLE_ENDIAN);
        return Refusals.guarded("the footer", () -> parsed(Footer.getRootAsFooter(content), limit, query));
    }

    private static IpcFooter parsed(Footer footer, long limit, TableQuery query) {
        short version = footer.version();
        if (version != MetadataVersion.V4 && version != MetadataVersion.V5) {
            throw Refusals.refusal(
                    "the Arrow file has version " + (version + 1) + ", expected 4 or 5",
                    "write the table with a current Arrow library");
        }
        Schema schema = footer.schema();
        if (schema == null) {
            throw Refusals.damaged("the footer has no schema");
        }
        return new IpcFooter(SchemaReader.read(schema, version, query), blocks(footer, limit), limit);
    }

    private static List<Extent> blocks(Footer footer, long limit) {
        List<Extent> blocks = new ArrayList<>();
        Block block = new Block();
        for (int i = 0; i < footer.recordBatchesLength(); i++) {
            footer.recordBatches(block, i);
            long begin = block.offset();
            long metadata = block.metaDataLength();
            long body = block.bodyLength();
            if (begin < HEAD
                    || begin > limit
                    || metadata < 1
                    || metadata > limit - begin
                    || body < 0
                    || body > limit - begin - metadata) {
                throw Refusals.damaged("record batch " + i + " of the footer, at byte " + begin + ", of " + metadata
                        + " and " + body + " bytes, is not within the file");
            }
            blocks.add(new Extent(begin, begin + metadata, begin + metadata + body));
        }
        blocks.sort(Comparator.comparingLong(Extent::begin));
        for (int i = 1; i < blocks.size(); i++) {
            if (blocks.get(i).begin() < blocks.get(i - 1).end()) {
                throw Refusals.damaged(
                        "two record batches overlap at byte " + blocks.get(i).begin());
            }
        }
        return blocks;
    }
}
