package io.kvscale.arrow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.jspecify.annotations.Nullable;

/**
 * One message: its metadata in memory, and the position of its body.
 *
 * <pre>
 *   begin                  begin + 8              bodyBegin           end
 *   +----------+----------+----------------------+-------------------+
 *   | FFFFFFFF | N, i32,  | N bytes: FlatBuffers | body: buffers,    |
 *   |          | little   | Message, padded      | padded to 8 bytes |
 *   +----------+----------+----------------------+-------------------+
 * </pre>
 *
 * N = 0 ends a stream. Files written before Arrow 0.15 have no FFFFFFFF. Source: "Encapsulated message format" at
 * arrow.apache.org/docs/format/Columnar.html.
 */
record MessageFrame(long begin, Message message, byte type, long bodyBegin, long end) {
    /** Maximum length of the metadata. */
    static final int MAX_METADATA = 16 << 20;

    static final int CONTINUATION = -1;
    static final int PREFIX = 8;

    /**
     * Reads the message at a position.
     *
     * @param limit position after the last message, at most the length of the file
     * @param acceptOld whether the form before Arrow 0.15 is accepted
     * @return null at the end of the stream
     */
    static @Nullable MessageFrame read(Bytes bytes, long begin, long limit, boolean acceptOld) throws IOException {
        if (begin == limit) {
            return null;
        }
        if (limit - begin < PREFIX) {
            throw Refusals.damaged("expected a message at byte " + begin + ", got " + (limit - begin) + " bytes");
        }
        ByteBuffer prefix = bytes(bytes, begin, PREFIX);
        int first = prefix.getInt();
        boolean old = first != CONTINUATION;
        if (old && !acceptOld) {
            throw Refusals.damaged("expected a message at byte " + begin + ", got other bytes");
        }
        int length = old ? first : prefix.getInt();
        if (length == 0) {
            return null;
        }
        long metadata = begin + (old ? Integer.BYTES : PREFIX);
        if (length < 0 || length > MAX_METADATA || length > limit - metadata) {
            throw Refusals.damaged("expected at most " + Math.min(MAX_METADATA, limit - metadata)
                    + " bytes of metadata at byte " + metadata + ", got a length of " + length);
        }
        ByteBuffer content = bytes(bytes, metadata, length);
        return Refusals.guarded("the message at byte " + begin, () -> parsed(content, begin, metadata + length, limit));
    }

    private static MessageFrame parsed(ByteBuffer content, long begin, long bodyBegin, long limit) {
        Message message = Message.getRootAsMessage(content);
        short version = message.version();
        if (version != MetadataVersion.V4 && version != MetadataVersion.V5) {
            throw Refusals.refusal(
                    "the Arrow metadata at byte " + begin + " has version " + (version + 1) + ", expected 4 or 5",
                    "write the table with a current Arrow library");
        }
        long body = message.bodyLength();
        if (body < 0 || body > limit - bodyBegin) {
            throw Refusals.damaged("expected at most " + (limit - bodyBegin) + " bytes of body for the message at byte "
                    + begin + ", got a length of " + body);
        }
        return new MessageFrame(begin, message, message.headerType(), bodyBegin, bodyBegin + body);
    }

    /** Reads bytes of the file; the caller has checked that the file holds them. */
    static ByteBuffer bytes(Bytes bytes, long position, int length) throws IOException {
        ByteBuffer read = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.read(position, read);
        return read.flip();
    }

    /** Whether any byte of the message lies in {@code [from, to)}. */
    boolean touches(long from, long to) {
        return begin < to && end > from;
    }
}
