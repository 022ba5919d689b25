package io.kvscale.input;

import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Objects of S3 as a listing found them. */
final class ListedObject {
    private static final String STATUS = "org.apache.hadoop.fs.s3a.S3AFileStatus";
    private static final String DETECTION = "fs.s3a.change.detection.";
    /** The modes in which S3A fails when the store has another ETag. */
    private static final Set<String> STRICT = Set.of("server", "client");

    private ListedObject() {}

    /**
     * The status with which S3A opens an object, so that it need not ask for the length and the ETag, and each read fails if
     * the object is another one by then: a conditional GET. S3A takes the ETag from a status of its own class only, which is on
     * the class path of runs that use S3.
     *
     * @return null if reads would not fail: the file system is another one, the listing has no ETag, or the user turned S3A's
     *     detection of changes off
     */
    static @Nullable FileStatus status(FileSystem files, Path path, FileVersion version) {
        if (version.etag() == null
                || !files.getUri().getScheme().equals("s3a")
                || !STRICT.contains(files.getConf().getTrimmed(DETECTION + "mode", "server"))
                || !files.getConf().getTrimmed(DETECTION + "source", "etag").equals("etag")) {
            return null;
        }
        try {
            return (FileStatus) Class.forName(STATUS, true, files.getClass().getClassLoader())
                    .getConstructor(
                            long.class, long.class, Path.class, long.class, String.class, String.class, String.class)
                    .newInstance(
                            version.length(),
                            version.modified(),
                            path,
                            files.getDefaultBlockSize(path),
                            "",
                            version.etag(),
                            null);
        } catch (ReflectiveOperationException e) {
            return null; // another version of S3A: it is asked for the version after the last read
        }
    }
}
