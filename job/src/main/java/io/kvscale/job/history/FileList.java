package io.kvscale.job.history;

import io.kvscale.input.InputFile;
import io.kvscale.input.RegularFile;
import io.kvscale.job.export.OutputFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The files of the last run with a state, by hash: what the next run's files are compared with. Big endian.
 *
 * <pre>
 *  0           8       12
 *  | KVFILES1  | count | for each file: u64 hash of the path, u64 hash of the version | SHA-256 of all before |
 *    8 bytes     u32
 * </pre>
 *
 * @param versions the hash of each version by that of its path
 */
record FileList(Map<Long, Long> versions) {
    /** Its name in the folder of a state. */
    static final String NAME = "last-run.kvfiles";

    private static final String MAGIC = "KVFILES1";
    private static final int PREFIX = MAGIC.length() + Integer.BYTES;
    private static final int ENTRY = 2 * Long.BYTES;
    private static final int CHECKSUM = 32;

    /** Bounds memory: sixteen million files. */
    private static final long MAX_BYTES = 1L << 28;

    /** How the files of a run differ from those of the run before. */
    record Changes(long added, long changed, long gone) {}

    static FileList of(List<InputFile> files) {
        Map<Long, Long> versions = new HashMap<>();
        for (InputFile file : files) {
            versions.put(
                    hash(file.path()),
                    hash(file.length() + " " + file.version().modified() + " "
                            + file.version().etag()));
        }
        return new FileList(versions);
    }

    private static long hash(String text) {
        return ByteBuffer.wrap(DigestUtils.sha256(text)).getLong();
    }

    Changes since(FileList before) {
        long added = 0;
        long changed = 0;
        for (Map.Entry<Long, Long> file : versions.entrySet()) {
            Long then = before.versions.get(file.getKey());
            added += then == null ? 1 : 0;
            changed += then == null || then.equals(file.getValue()) ? 0 : 1;
        }
        return new Changes(added, changed, before.versions.size() - (versions.size() - added));
    }

    /** Null if there is none, or it is damaged: then nothing is known of the run before. */
    static @Nullable FileList read(String state, Configuration configuration) {
        try {
            Path file = new Path(state, NAME);
            FileSystem fs = file.getFileSystem(configuration);
            long length = fs.getFileStatus(file).getLen();
            if (length > MAX_BYTES) {
                return null;
            }
            try (InputStream in = RegularFile.open(fs, file)) {
                return parsed(RegularFile.read(in, length));
            }
        } catch (IOException | IllegalArgumentException | FSError e) {
            return null;
        }
    }

    static @Nullable FileList parsed(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int content = bytes.length - CHECKSUM;
        if (content < PREFIX
                || !new String(bytes, 0, MAGIC.length(), StandardCharsets.ISO_8859_1).equals(MAGIC)
                || in.getInt(MAGIC.length()) != (content - PREFIX) / ENTRY
                || (content - PREFIX) % ENTRY != 0
                || !Arrays.equals(checksum(bytes, content), Arrays.copyOfRange(bytes, content, bytes.length))) {
            return null;
        }
        Map<Long, Long> versions = new HashMap<>();
        for (int at = PREFIX; at < content; at += ENTRY) {
            versions.put(in.getLong(at), in.getLong(at + Long.BYTES));
        }
        return new FileList(versions);
    }

    byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(PREFIX + versions.size() * ENTRY + CHECKSUM);
        out.put(MAGIC.getBytes(StandardCharsets.ISO_8859_1)).putInt(versions.size());
        versions.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(file -> out.putLong(file.getKey()).putLong(file.getValue()));
        return out.put(checksum(out.array(), out.position())).array();
    }

    private static byte[] checksum(byte[] bytes, int length) {
        return DigestUtils.sha256(Arrays.copyOf(bytes, length));
    }

    /** @throws io.kvscale.job.export.OutputException if it cannot be written */
    void write(String state, Configuration configuration) {
        if ((long) versions.size() * ENTRY + PREFIX + CHECKSUM > MAX_BYTES) {
            return; // the next run says nothing about its files
        }
        String file = new Path(state, NAME).toString();
        try (OutputFile out = OutputFile.open(file, true, MAGIC, "--state", configuration)) {
            out.write(bytes());
        }
    }
}
