package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UTFDataFormatException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * The file of a group. Big endian. It is written once and never changed.
 *
 * <pre>
 *  0          8         12             16              20
 *  | KVGROUP\n | version | header bytes | content bytes | header | SHA-256 | content | SHA-256 |
 *    8 bytes    u32       u32            u32
 *
 *  header, deflated:  string digest of the observation | string its label | u32 pieces, then for each:
 *                     string path | string name | string root | u64 length | i64 modified | string etag, empty if none
 *                     | u64 start | u64 end
 *                     | of texts only: u32 batches, then for each: string key | u32 texts | u64 tokens
 *  content, deflated: what tasks found in these pieces or batches
 *  string:            as {@link DataOutputStream#writeUTF}
 * </pre>
 *
 * The first SHA-256 is of all bytes before it, the second one of all before it too. So a file that was cut, changed or
 * continued is recognized, and its header can be read alone.
 */
record GroupFile(Observation observation, List<FilePiece> pieces, List<KeptBatch> batches, byte[] content) {
    /**
     * Raise it when this format changes, and when tasks find something else in the same files or texts, as another version
     * of ONNX Runtime may.
     */
    static final int VERSION = 2;

    private static final byte[] MAGIC = "KVGROUP\n".getBytes(StandardCharsets.US_ASCII);
    private static final int PREFIX_BYTES = MAGIC.length + 3 * Integer.BYTES;
    private static final int CHECKSUM_BYTES = 32;

    /** Bounds memory, not what a group may hold: a path and its version take about 100 bytes of a header. */
    private static final int MAX_HEADER_BYTES = 1 << 28;

    private static final int MAX_CONTENT_BYTES = 1 << 30;

    /** The lengths of the two parts. */
    private record Prefix(int header, int content) {
        long fileLength() {
            return PREFIX_BYTES + (long) header + CHECKSUM_BYTES + content + CHECKSUM_BYTES;
        }
    }

    byte[] bytes() {
        byte[] header = deflated(headerBytes());
        byte[] deflated = deflated(content);
        ByteBuffer file = ByteBuffer.allocate(PREFIX_BYTES + header.length + deflated.length + 2 * CHECKSUM_BYTES);
        file.put(MAGIC).putInt(VERSION).putInt(header.length).putInt(deflated.length);
        file.put(header);
        file.put(checksum(file.array(), file.position())).put(deflated);
        file.put(checksum(file.array(), file.position()));
        return file.array();
    }

    private byte[] headerBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeUTF(observation.digest());
            out.writeUTF(observation.label());
            out.writeInt(pieces.size());
            for (FilePiece piece : pieces) {
                InputFile file = piece.file();
                out.writeUTF(file.path());
                out.writeUTF(file.name());
                out.writeUTF(file.root());
                out.writeLong(file.length());
                out.writeLong(file.version().modified());
                String etag = file.version().etag();
                out.writeUTF(etag == null ? "" : etag);
                out.writeLong(piece.start());
                out.writeLong(piece.end());
            }
            if (!batches.isEmpty()) {
                out.writeInt(batches.size());
            }
            for (KeptBatch batch : batches) {
                out.writeUTF(batch.key());
                out.writeInt(batch.texts());
                out.writeLong(batch.tokens());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the header of a group cannot be written", e);
        }
        return bytes.toByteArray();
    }

    /**
     * Reads all of a file.
     *
     * @param length of the file
     * @throws DamagedGroupException if it is not as it was written, or of another version
     */
    static GroupFile read(InputStream in, long length) throws IOException {
        GroupFile header = readHeader(in, length);
        byte[] start = header.content;
        Prefix prefix = prefix(start, length);
        byte[] file = Arrays.copyOf(start, Math.toIntExact(prefix.fileLength()));
        int read = in.readNBytes(file, start.length, file.length - start.length);
        check(file, file.length - CHECKSUM_BYTES, start.length + read);
        return new GroupFile(
                header.observation,
                header.pieces,
                header.batches,
                inflated(file, start.length, prefix.content, MAX_CONTENT_BYTES));
    }

    /**
     * Reads the header of a file.
     *
     * @return a group whose content is the bytes that were read
     * @throws DamagedGroupException if it is not as it was written, or of another version
     */
    static GroupFile readHeader(InputStream in, long length) throws IOException {
        byte[] start = in.readNBytes(PREFIX_BYTES);
        Prefix prefix = prefix(start, length);
        int headerEnd = PREFIX_BYTES + prefix.header;
        byte[] bytes = Arrays.copyOf(start, headerEnd + CHECKSUM_BYTES);
        int read = in.readNBytes(bytes, PREFIX_BYTES, bytes.length - PREFIX_BYTES);
        check(bytes, headerEnd, PREFIX_BYTES + read);
        try (DataInputStream header = new DataInputStream(
                new ByteArrayInputStream(inflated(bytes, PREFIX_BYTES, prefix.header, MAX_HEADER_BYTES)))) {
            String digest = header.readUTF();
            Observation observation = new Observation(header.readUTF(), digest);
            int count = header.readInt();
            List<FilePiece> pieces = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                pieces.add(piece(header));
            }
            return new GroupFile(observation, pieces, batches(header), bytes);
        } catch (EOFException | UTFDataFormatException e) {
            throw new DamagedGroupException("its list of files or texts is not complete", e);
        }
    }

    private static List<KeptBatch> batches(DataInputStream in) throws IOException {
        List<KeptBatch> batches = new ArrayList<>();
        int count = in.available() == 0 ? 0 : in.readInt();
        for (int i = 0; i < count; i++) {
            batches.add(new KeptBatch(in.readUTF(), in.readInt(), in.readLong()));
        }
        return batches;
    }

    private static FilePiece piece(DataInputStream in) throws IOException {
        String path = in.readUTF();
        String name = in.readUTF();
        String root = in.readUTF();
        long length = in.readLong();
        long modified = in.readLong();
        String etag = in.readUTF();
        FileVersion version = new FileVersion(length, modified, etag.isEmpty() ? null : etag);
        return new FilePiece(new InputFile(path, name, root, version), in.readLong(), in.readLong());
    }

    private static Prefix prefix(byte[] start, long length) throws DamagedGroupException {
        if (start.length < PREFIX_BYTES || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new DamagedGroupException("it is not the file of a group");
        }
        ByteBuffer prefix = ByteBuffer.wrap(start, MAGIC.length, 3 * Integer.BYTES);
        int version = prefix.getInt();
        if (version != VERSION) {
            throw new DamagedGroupException(
                    "it has version " + version + ", this kvscale reads version " + VERSION, version > VERSION);
        }
        Prefix lengths = new Prefix(prefix.getInt(), prefix.getInt());
        if (lengths.header < 0
                || lengths.content < 0
                || lengths.fileLength() > Integer.MAX_VALUE
                || lengths.fileLength() != length) {
            throw new DamagedGroupException("it has " + length + " bytes, its beginning says "
                    + (lengths.header < 0 || lengths.content < 0 ? "otherwise" : lengths.fileLength()));
        }
        return lengths;
    }

    private static void check(byte[] file, int end, int read) throws DamagedGroupException {
        int most = end + CHECKSUM_BYTES;
        if (read < most) {
            throw new DamagedGroupException("it ends after " + read + " bytes");
        }
        if (!Arrays.equals(checksum(file, end), 0, CHECKSUM_BYTES, file, end, most)) {
            throw new DamagedGroupException("its bytes do not have its checksum");
        }
    }

    private static byte[] checksum(byte[] bytes, int end) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        digest.update(bytes, 0, end);
        return digest.digest();
    }

    private static byte[] deflated(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(out)) {
            deflater.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException("a group cannot be compressed", e);
        }
        return out.toByteArray();
    }

    private static byte[] inflated(byte[] bytes, int from, int length, int most) throws DamagedGroupException {
        try (InputStream in = new InflaterInputStream(new ByteArrayInputStream(bytes, from, length))) {
            byte[] inflated = in.readNBytes(most);
            if (in.read() >= 0) {
                throw new DamagedGroupException("it holds more than " + most + " bytes");
            }
            return inflated;
        } catch (DamagedGroupException e) {
            throw e;
        } catch (IOException e) {
            throw new DamagedGroupException("it cannot be decompressed", e);
        }
    }
}
