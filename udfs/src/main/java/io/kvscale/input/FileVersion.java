package io.kvscale.input;

import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * What changes when a file is written again.
 *
 * @param length in bytes
 * @param modified milliseconds since 1970; 0 if the file system does not say
 * @param etag the object store's name for the content, or what {@link #withChange} knows; null if there is none
 */
public record FileVersion(
        long length, long modified, @Nullable String etag) implements Serializable {
    private static final long SECOND = 1000;

    /** The version in a listing. */
    public static FileVersion of(FileStatus status) {
        String etag = status instanceof EtagSource source ? source.getEtag() : null;
        // S3A has an empty one for an object without.
        return new FileVersion(
                status.getLen(), status.getModificationTime(), etag == null || etag.isEmpty() ? null : etag);
    }

    /** The version that a file has now. */
    static FileVersion now(FileSystem files, Path path) throws IOException {
        File local = RegularFile.local(files, path);
        return local == null ? of(files.getFileStatus(path)) : of(local.toPath());
    }

    /** The version that a local file has now: one call of the operating system, for files of a few kilobytes. */
    static FileVersion of(java.nio.file.Path local) throws IOException {
        BasicFileAttributes now = Files.readAttributes(local, BasicFileAttributes.class);
        return new FileVersion(now.size(), now.lastModifiedTime().toMillis(), null);
    }

    /**
     * This version with the time at which the operating system last changed anything about a local file, in nanoseconds. Unlike
     * the time of modification, no program can set it: archives and copies that keep times do not hide that a file is another
     * one. On other file systems, the same version.
     */
    public FileVersion withChange(FileSystem files, Path path) throws IOException {
        File local = RegularFile.local(files, path);
        if (local == null) {
            return this;
        }
        try {
            FileTime changed = (FileTime) Files.getAttribute(local.toPath(), "unix:ctime");
            return new FileVersion(length, modified, "changed " + changed.to(TimeUnit.NANOSECONDS));
        } catch (UnsupportedOperationException e) {
            return this; // not a Unix
        }
    }

    /** Whether two versions differ in what both know. Etags decide alone, because they follow the content. */
    boolean differs(FileVersion other) {
        if (length != other.length) {
            return true;
        }
        return etag != null && other.etag != null
                ? !etag.equals(other.etag)
                : modified != 0 && other.modified != 0 && !sameTime(modified, other.modified);
    }

    /** Whether it tells this content from another: it has an etag or a time. */
    public boolean identifies() {
        return etag != null || modified != 0;
    }

    /**
     * Whether a version of an earlier listing is that of the same content, as far as versions tell. Unlike {@link #differs},
     * what one of them does not know counts as a difference.
     */
    public boolean isSameAs(FileVersion earlier) {
        return length == earlier.length
                && identifies()
                && (etag != null || earlier.etag != null
                        ? Objects.equals(etag, earlier.etag)
                        : modified == earlier.modified);
    }

    /** Some stores list times in milliseconds, but answer for one file in seconds. */
    private static boolean sameTime(long a, long b) {
        boolean seconds = a % SECOND == 0 || b % SECOND == 0;
        return seconds ? Math.floorDiv(a, SECOND) == Math.floorDiv(b, SECOND) : a == b;
    }
}
