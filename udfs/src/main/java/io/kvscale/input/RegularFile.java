package io.kvscale.input;

import static org.apache.hadoop.fs.Options.OpenFileOptions.FS_OPTION_OPENFILE_LENGTH;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.ChecksumFileSystem;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.viewfs.ViewFileSystem;
import org.apache.hadoop.util.functional.FutureIO;
import org.jspecify.annotations.Nullable;

/**
 * Opens files that users name. Local files must be regular files or links to them: opening a pipe may wait for ever, and a
 * device may have no end. All readers of files use this class.
 *
 * <p>Hadoop's local file system verifies a file {@code x} by a hidden file {@code .x.crc} beside it, if there is one. That
 * file is not trusted either, and its header decides how much memory Hadoop allocates: it is never read.
 */
public final class RegularFile {
    private static final long UNKNOWN = -1;

    private RegularFile() {}

    /** @throws UnusableFileException for a pipe, a device or a socket; a file that does not exist passes */
    public static void check(File file) throws UnusableFileException {
        if (!file.isFile() && file.exists() && !file.isDirectory()) {
            throw new UnusableFileException(
                    "this is a pipe, a device or a socket, not a regular file",
                    "write the content to a file and name that; <(...) and /dev/stdin are pipes");
        }
    }

    /** As {@link #check(File)}, for a file of any file system. */
    public static void check(FileSystem files, Path path) throws UnusableFileException {
        File local = local(files, path);
        if (local != null) {
            check(local);
        }
    }

    /** Opens a file after {@link #check(FileSystem, Path)}, without a checksum file. */
    public static FSDataInputStream open(FileSystem files, Path path) throws IOException {
        return open(files, path, UNKNOWN, null);
    }

    /**
     * Opens a file of a listing, as {@link #open(FileSystem, Path)} does. An object store is not asked again for its length.
     *
     * @param length that the listing found
     */
    public static FSDataInputStream open(FileSystem files, Path path, long length) throws IOException {
        return open(files, path, length, null);
    }

    /** @param listed that of {@link ListedObject#status}; null for none */
    static FSDataInputStream open(FileSystem files, Path path, long length, @Nullable FileStatus listed)
            throws IOException {
        if (files.getClass() == ViewFileSystem.class) {
            // A mounted local file system has checksum files too.
            Path target = files.resolvePath(path);
            return open(target.getFileSystem(files.getConf()), target, length, null);
        }
        check(files, path);
        FileSystem raw = files instanceof ChecksumFileSystem checked ? checked.getRawFileSystem() : files;
        return length == UNKNOWN
                ? raw.open(path)
                : FutureIO.awaitFuture(raw.openFile(path)
                        .withFileStatus(listed)
                        .optLong(FS_OPTION_OPENFILE_LENGTH, length)
                        .build());
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
}
