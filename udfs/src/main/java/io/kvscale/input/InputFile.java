package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * An input file, as the listing found it.
 *
 * @param path the path for Hadoop
 * @param name the path below the input, with {@code /}; with several inputs, prefixed by the input's last folder
 * @param root the name of the input's last folder
 * @param version of the content that was listed
 */
public record InputFile(String path, String name, String root, FileVersion version) implements Serializable {
    /** A file of which only the length is known. */
    public InputFile(String path, String name, String root, long length) {
        this(path, name, root, new FileVersion(length, 0, null));
    }

    static InputFile of(FileStatus status, String name, String root) {
        return new InputFile(status.getPath().toString(), name, root, FileVersion.of(status));
    }

    /**
     * The same file, with {@link FileVersion#withChange}.
     *
     * @throws InvalidDataException if it is gone
     */
    public InputFile withChange(Configuration configuration) {
        Path here = new Path(path);
        try {
            return new InputFile(path, name, root, version.withChange(here.getFileSystem(configuration), here));
        } catch (IOException e) {
            throw new InvalidDataException(
                    DataProblem.of("the file cannot be read: " + ReadFailure.reason(e), remedy())
                            .inFile(name),
                    e);
        }
    }

    /** The length in bytes. */
    public long length() {
        return version.length();
    }

    /** @throws UnusableFileException if the file is no longer the one that was listed: rewritten, extended or replaced */
    public void checkUnchanged(Configuration configuration) throws IOException {
        Path here = new Path(path);
        checkUnchanged(FileVersion.now(here.getFileSystem(configuration), here));
    }

    /** As {@link #checkUnchanged(Configuration)}, with the version of {@link ByteSource#version}. */
    public void checkUnchanged(FileVersion now) throws UnusableFileException {
        if (version.differs(now)) {
            throw new UnusableFileException(
                    "the file changed while it was read: "
                            + (now.length() == length()
                                    ? "it was written again after it was listed"
                                    : "it has " + now.length() + " bytes, the listing found " + length() + " bytes"),
                    "check that nothing writes to it while it is read, then run again");
        }
    }

    /** What to do when the file cannot be read. */
    public String remedy() {
        return path.startsWith("s3a:") && version.etag() == null
                ? "the store has no ETag for it: write it again through the store's S3 interface, or add --conf"
                        + " spark.hadoop.fs.s3a.input.stream.type=classic --conf"
                        + " spark.hadoop.fs.s3a.change.detection.version.required=false"
                : "check the file, and that nothing writes to it while it is read";
    }

    /** The name without its extension. */
    public String stem() {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    /** The folders of the name; {@code root} for a file directly in the input. */
    public String folder() {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root : name.substring(0, slash);
    }

    /** The name without its folders. */
    public String baseName() {
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
