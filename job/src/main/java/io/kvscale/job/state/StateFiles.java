package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.json.Json;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files of a state folder, for the driver and for tasks. A file gets its name when it is complete: it is written under
 * a hidden name, then renamed. On object stores that copies one object, which appears in one step too.
 */
public final class StateFiles implements Closeable {
    private static final String MARK = "kvscale-state.json";
    private static final String GROUPS = "groups";
    private static final String EXTENSION = ".kvgroup";
    private static final Pattern GROUP = Pattern.compile("[0-9a-f]{16}-[0-9a-f]{32}\\.kvgroup");
    private static final Pattern TEMPORARY = Pattern.compile("\\._[0-9a-f-]{36}");

    private final FileSystem fs;
    private final Path folder;
    private final Path groups;

    private StateFiles(FileSystem fs, Path folder) {
        this.fs = fs;
        this.folder = folder;
        this.groups = new Path(folder, GROUPS);
    }

    /** Connects to the file system; reads nothing. */
    public static StateFiles of(String folder, Configuration configuration) throws IOException {
        Path path = new Path(folder);
        // A private instance: checksum files are turned off for this folder only.
        FileSystem fs = FileSystem.newInstance(path.toUri(), configuration);
        fs.setWriteChecksum(false);
        return new StateFiles(fs, fs.makeQualified(path));
    }

    FileSystem fs() {
        return fs;
    }

    Path folder() {
        return folder;
    }

    /** Whether the folder is that of a state. */
    boolean isState() throws IOException {
        return fs.exists(new Path(folder, MARK));
    }

    /** Marks the folder as that of a state. */
    void mark() throws IOException {
        try (OutputStream out = fs.create(new Path(folder, MARK), true)) {
            out.write(Json.bytes(Map.of("format", "kvscale-state")));
        }
    }

    /** The files in the folder of groups, by name; none if there is no such folder. */
    private List<FileStatus> list() throws IOException {
        try {
            FileStatus[] files = fs.listStatus(groups);
            Arrays.sort(files);
            return List.of(files);
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    /** The files of groups whose names begin so. */
    List<FileStatus> groups(String prefix) throws IOException {
        List<FileStatus> found = new ArrayList<>(list());
        found.removeIf(file -> !file.getPath().getName().startsWith(prefix)
                || !GROUP.matcher(file.getPath().getName()).matches());
        return found;
    }

    /** What runs left that were killed while they wrote. */
    List<FileStatus> leftovers() throws IOException {
        List<FileStatus> found = new ArrayList<>(list());
        found.removeIf(file -> !TEMPORARY.matcher(file.getPath().getName()).matches());
        return found;
    }

    /** The names of the files of an observation begin so. */
    static String prefix(Observation observation) {
        return observation.digest().substring(0, 16) + "-";
    }

    /** Equal for groups of the same pieces of unchanged files, or of the same batches. */
    private static String name(GroupFile group) {
        StringBuilder pieces = new StringBuilder();
        for (FilePiece piece : group.pieces()) {
            InputFile file = piece.file();
            FileVersion version = file.version();
            pieces.append(String.join("\n", file.path(), file.name(), file.root(), ""))
                    .append(version.etag() == null ? version.modified() : version.etag())
                    .append("\n" + version.length() + " " + piece.start() + "-" + piece.end() + "\n");
        }
        group.batches().forEach(batch -> pieces.append(batch.key()).append('\n'));
        return prefix(group.observation())
                + DigestUtils.sha256Hex(pieces.toString()).substring(0, 32)
                + EXTENSION;
    }

    /**
     * Reads the header of a group.
     *
     * @throws DamagedGroupException if it is not as it was written
     */
    KeptGroup header(FileStatus file) throws IOException {
        try (InputStream in = RegularFile.open(fs, file.getPath())) {
            GroupFile header = GroupFile.readHeader(in, file.getLen());
            return new KeptGroup(
                    file.getPath().getName(), file.getLen(), header.observation(), header.pieces(), header.batches());
        }
    }

    /**
     * Reads the content of a group.
     *
     * @param name of its file
     * @throws DamagedGroupException if it is not as it was written
     */
    public byte[] read(String name) throws IOException {
        Path file = new Path(groups, name);
        try (InputStream in = RegularFile.open(fs, file)) {
            return GroupFile.read(in, fs.getFileStatus(file).getLen()).content();
        }
    }

    /**
     * Writes a group of captures; replaces one of the same pieces.
     *
     * @param content what was found in the pieces
     * @throws IOException also if the folder is not there, as a local folder in an executor on another machine
     */
    public void write(Observation observation, List<FilePiece> pieces, byte[] content) throws IOException {
        write(new GroupFile(observation, pieces, List.of(), content));
    }

    /**
     * Writes a group of texts; replaces one of the same batches.
     *
     * @throws IOException as {@link #write}
     */
    public void writeTexts(Observation observation, List<KeptBatch> batches, byte[] content) throws IOException {
        write(new GroupFile(observation, List.of(), batches, content));
    }

    private void write(GroupFile group) throws IOException {
        Path file = new Path(groups, name(group));
        Path temporary = new Path(groups, "._" + UUID.randomUUID());
        if (!isState()) {
            throw new FileNotFoundException(folder + " is not there: name a folder that all machines share");
        }
        try {
            try (OutputStream out = fs.create(temporary, false)) {
                out.write(group.bytes());
            }
            fs.delete(file, false);
            // A second attempt of the same task may be faster: its file has the same content.
            if (!fs.rename(temporary, file) && !fs.exists(file)) {
                throw new IOException("it cannot be renamed to " + file);
            }
        } catch (FSError e) {
            throw new IOException(ReadFailure.reason(e), e);
        } finally {
            fs.delete(temporary, false);
        }
    }

    /** Removes the file of a group. */
    void delete(String name) throws IOException {
        fs.delete(new Path(groups, name), false);
    }

    @Override
    public void close() throws IOException {
        fs.close();
    }
}
