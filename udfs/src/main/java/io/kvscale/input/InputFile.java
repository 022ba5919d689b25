package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * An input file, as the listing found it. A driver may hold millions, so files of a folder share what they have in common: a file
 * takes about 60 bytes and those of its name, and an etag if the store has them.
 */
public final class InputFile implements Serializable {
    private static final long serialVersionUID = 1L;

    /** By the UTF-8 bytes of the names. */
    static final Comparator<InputFile> BY_NAME = InputFile::compareNames;

    /**
     * What the files of a folder share.
     *
     * @param path what their paths begin with
     * @param name what their names begin with
     */
    private record Folder(String path, String name, String root) implements Serializable {
        Folder or(@Nullable InputFile before) {
            return before != null && before.folder.equals(this) ? before.folder : this;
        }
    }

    private final Folder folder;
    /** The end of path and name, in UTF-8. */
    private final byte[] end;

    private final long length;
    private final long modified;
    private final @Nullable String etag;

    /**
     * @param path the path for Hadoop
     * @param name the path below the input, with {@code /}; with several inputs, prefixed by the input's last folder
     * @param root the name of the input's last folder
     * @param version of the content that was listed
     */
    public InputFile(String path, String name, String root, FileVersion version) {
        this(path, name, root, version, null);
    }

    /** @param before a file that may be in the same folder; null for none */
    private InputFile(String path, String name, String root, FileVersion version, @Nullable InputFile before) {
        String last = name.substring(name.lastIndexOf('/') + 1);
        byte[] bytes = last.getBytes(StandardCharsets.UTF_8);
        boolean ends = path.endsWith(last) && last.equals(new String(bytes, StandardCharsets.UTF_8));
        int shared = ends ? last.length() : 0;
        this.folder = new Folder(
                        path.substring(0, path.length() - shared), name.substring(0, name.length() - shared), root)
                .or(before);
        this.end = ends ? bytes : new byte[0];
        this.length = version.length();
        this.modified = version.modified();
        this.etag = version.etag();
    }

    private InputFile(InputFile file, FileVersion version) {
        this.folder = file.folder;
        this.end = file.end;
        this.length = version.length();
        this.modified = version.modified();
        this.etag = version.etag();
    }

    /** A file of which only the length is known. */
    public InputFile(String path, String name, String root, long length) {
        this(path, name, root, new FileVersion(length, 0, null));
    }

    /** @param before the file that was listed before; null for none */
    static InputFile of(FileStatus status, String name, String root, @Nullable InputFile before) {
        return new InputFile(status.getPath().toString(), name, root, FileVersion.of(status), before);
    }

    /** The path for Hadoop. */
    public String path() {
        return folder.path + end();
    }

    /** The path below the input, with {@code /}; with several inputs, prefixed by the input's last folder. */
    public String name() {
        return folder.name + end();
    }

    /** The name of the input's last folder. */
    public String root() {
        return folder.root;
    }

    private String end() {
        return new String(end, StandardCharsets.UTF_8);
    }

    /** The version of the content that was listed. */
    public FileVersion version() {
        return new FileVersion(length, modified, etag);
    }

    private static int compareNames(InputFile a, InputFile b) {
        return a.folder.name.equals(b.folder.name)
                ? Arrays.compareUnsigned(a.end, b.end)
                : Sample.compareUtf8(a.name(), b.name());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof InputFile that
                && path().equals(that.path())
                && name().equals(that.name())
                && root().equals(that.root())
                && version().equals(that.version());
    }

    @Override
    public int hashCode() {
        return path().hashCode();
    }

    @Override
    public String toString() {
        return path();
    }

    /**
     * The same file, with {@link FileVersion#withChange}.
     *
     * @throws InvalidDataException if it is gone
     */
    public InputFile withChange(Configuration configuration) {
        Path here = new Path(path());
        try {
            return new InputFile(this, version().withChange(here.getFileSystem(configuration), here));
        } catch (IOException e) {
            throw new InvalidDataException(
                    DataProblem.of("the file cannot be read: " + ReadFailure.reason(e), remedy())
                            .inFile(name()),
                    e);
        }
    }

    /** The length in bytes. */
    public long length() {
        return length;
    }

    /** @throws UnusableFileException if the file is no longer the one that was listed: rewritten, extended or replaced */
    public void checkUnchanged(Configuration configuration) throws IOException {
        Path here = new Path(path());
        checkUnchanged(FileVersion.now(here.getFileSystem(configuration), here));
    }

    /** As {@link #checkUnchanged(Configuration)}, with the version of {@link ByteSource#version}. */
    public void checkUnchanged(FileVersion now) throws UnusableFileException {
        if (version().differs(now)) {
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
        return folder.path.startsWith("s3a:") && etag == null
                ? "the store has no ETag for it: write it again through the store's S3 interface, or add --conf"
                        + " spark.hadoop.fs.s3a.input.stream.type=classic --conf"
                        + " spark.hadoop.fs.s3a.change.detection.version.required=false"
                : "check the file, and that nothing writes to it while it is read";
    }

    /** The name without its extension. */
    public String stem() {
        String name = name();
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    /** The folders of the name; {@code root} for a file directly in the input. */
    public String folder() {
        String name = name();
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root() : name.substring(0, slash);
    }

    /** The name without its folders. */
    public String baseName() {
        String name = name();
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
