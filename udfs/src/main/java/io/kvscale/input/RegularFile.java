package io.kvscale.input;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.jspecify.annotations.Nullable;

/**
 * Opens files that users name. Local files must be regular files or links to them: opening a pipe may wait for ever, and a
 * device may have no end. All readers of files use this class.
 */
public final class RegularFile {
    private RegularFile() {}

    /** @throws UnusableFileException for a pipe, a device or a socket; a file that does not exist passes */
    public static void check(File file) throws UnusableFileException {
        if (!file.isFile() && file.exists() && !file.isDirectory()) {
            throw new UnusableFileException(
                    "this is a pipe, a device or a socket, not a regular file",
                    "write the content to a file and name that; <(...) and /dev/stdin are pipes");
        }
    }

    /** As {@link #check(File)}; checks Hadoop's checksum file too, which would be opened with the file. */
    public static void check(FileSystem files, Path path) throws UnusableFileException {
        File local = local(files, path);
        if (local != null) {
            check(local);
            check(checksums(local));
        }
    }

    /** Opens a file after {@link #check(FileSystem, Path)}. */
    public static FSDataInputStream open(FileSystem files, Path path) throws IOException {
        check(files, path);
        return files.open(path);
    }

    /**
     * All bytes of a file. No more than its length is read, so that a file that grows or has no end fills no memory.
     *
     * @param length of the file, below 2 GiB
     * @throws UnusableFileException if there are more bytes
     */
    public static byte[] read(InputStream in, long length) throws IOException {
        byte[] bytes = in.readNBytes((int) length);
        if (in.read() >= 0) {
            throw new UnusableFileException(
                    "the file has more than the " + length + " bytes that its length says",
                    "name a regular file that nothing writes to while it is read");
        }
        return bytes;
    }

    /** The local file behind a path; null for other file systems. */
    static @Nullable File local(FileSystem files, Path path) {
        if (files instanceof LocalFileSystem local) {
            return local.pathToFile(path);
        }
        return files instanceof RawLocalFileSystem raw ? raw.pathToFile(path) : null;
    }

    /** Hadoop's checksum file of a local file. */
    static File checksums(File file) {
        return new File(file.getParentFile(), "." + file.getName() + ".crc");
    }
}
