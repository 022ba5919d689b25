package io.kvscale.safetensors;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads the headers of many files, as {@link SafetensorsHeader#read} does. A header that equals the one before but for its
 * numbers, as in most corpora, is read without its JSON being parsed again. Not thread-safe.
 */
public final class HeaderReader {
    /** Bounds what is kept of the header before: about 20 times its bytes. */
    private static final int MAX_KEPT = 256 << 10;

    private @Nullable HeaderTemplate last;

    /**
     * Reads one header.
     *
     * @param in the file from byte 0; exactly the 8 + N bytes in front of the data are read, and it stays open
     * @param fileLength length of the file in bytes
     * @param wanted which tensors to return, by name; asked once for each tensor, or twice if the header is not valid
     * @throws io.kvscale.tensor.InvalidDataException as {@link SafetensorsHeader#read}
     * @throws IOException if reading fails
     */
    public SafetensorsHeader read(InputStream in, long fileLength, Predicate<String> wanted) throws IOException {
        byte[] start;
        byte[] json = null;
        long length = -1;
        try {
            start = in.readNBytes(Long.BYTES);
            if (start.length == Long.BYTES) {
                length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
            }
            if (length >= 0 && length <= Math.min(MAX_KEPT, fileLength - Long.BYTES)) {
                json = in.readNBytes((int) length);
            }
        } catch (EOFException e) {
            // The file was cut off after it was listed. An empty one has the same problem.
            return SafetensorsHeader.read(InputStream.nullInputStream(), fileLength, wanted);
        }
        if (json == null) {
            return SafetensorsHeader.read(
                    new SequenceInputStream(new ByteArrayInputStream(start), in), fileLength, wanted);
        }
        long dataStart = Long.BYTES + length;
        long dataLength = fileLength - dataStart;
        HeaderTemplate known = last;
        if (known != null && json.length == length) {
            SafetensorsHeader header = known.read(json, dataStart, dataLength, wanted);
            if (header != null) {
                return header;
            }
        }
        List<TensorEntry> all = new ArrayList<>();
        SafetensorsHeader header = SafetensorsHeader.read(
                new SequenceInputStream(new ByteArrayInputStream(start), new ByteArrayInputStream(json)),
                fileLength,
                wanted,
                all);
        last = HeaderTemplate.of(json, all, header);
        return header;
    }
}
