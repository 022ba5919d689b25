package io.kvscale.job.history;

import io.kvscale.input.InputFile;
import io.kvscale.input.RegularFile;
import io.kvscale.job.export.OutputFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
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
 *  | KVFILES1  | count | count u64: paths | count u64: paths with versions | SHA-256 of all before |
 *    8 bytes     u32
 * </pre>
 *
 * @param paths hashes of the paths, sorted
 * @param versions hashes of paths and versions together, sorted
 */
record FileList(long[] paths, long[] versions) {
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
        return new FileList(
                sorted(files, InputFile::path),
                sorted(
                        files,
                        file -> file.path()
                                + '\n'
                                + file.length()
                                + ' '
                                + file.version().modified()
                                + ' '
                                + file.version().etag()));
    }

    private static long[] sorted(List<InputFile> files, Function<InputFile, String> text) {
        return files.stream()
                .mapToLong(file ->
                        ByteBuffer.wrap(DigestUtils.sha256(text.apply(file))).getLong())
                .sorted()
                .toArray();
    }

    Changes since(FileList before) {
        long same = common(paths, before.paths);
        return new Changes(paths.length - same, same - common(versions, before.versions), before.paths.length - same);
    }

    /** The number of values that two sorted arrays have in common. */
    private static long common(long[] a, long[] b) {
        long common = 0;
        int i = 0;
        int j = 0;
        while (i < a.length && j < b.length) {
            if (a[i] == b[j]) {
                common++;
                i++;
                j++;
            } else if (a[i] < b[j]) {
                i++;
            } else {
                j++;
            }
        }
        return common;
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
        LongBuffer hashes = in.slice(PREFIX, content - PREFIX).asLongBuffer();
        long[] paths = new long[hashes.remaining() / 2];
        long[] versions = new long[paths.length];
        hashes.get(paths).get(versions);
        return new FileList(paths, versions);
    }

    byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(PREFIX + paths.length * ENTRY + CHECKSUM);
        out.put(MAGIC.getBytes(StandardCharsets.ISO_8859_1)).putInt(paths.length);
        out.asLongBuffer().put(paths).put(versions);
        out.position(PREFIX + paths.length * ENTRY);
        return out.put(checksum(out.array(), out.position())).array();
    }

    private static byte[] checksum(byte[] bytes, int length) {
        return DigestUtils.sha256(Arrays.copyOf(bytes, length));
    }

    /** @throws io.kvscale.job.export.OutputException if it cannot be written */
    void write(String state, Configuration configuration) {
        if ((long) paths.length * ENTRY + PREFIX + CHECKSUM > MAX_BYTES) {
            return; // the next run says nothing about its files
        }
        String file = new Path(state, NAME).toString();
        try (OutputFile out = OutputFile.open(file, true, MAGIC, "--state", configuration)) {
            out.write(bytes());
        }
    }
}
