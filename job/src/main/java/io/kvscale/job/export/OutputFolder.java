package io.kvscale.job.export;

import static io.kvscale.job.export.OutputClaim.shown;

import io.kvscale.input.ReadFailure;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * An output folder that appears whole or not at all. Files are written to a hidden staging folder beside it, which
 * {@link #commit} renames. With {@code overwrite} the old folder stays until then, and is moved aside just before.
 *
 * <p>Of several runs that commit to one folder at the same time, one wins; with {@code overwrite} the last one.
 *
 * <p>A folder on an object store cannot be renamed in one step. There its files are moved one by one, and {@code _SUCCESS}
 * makes it whole: see {@link CopyingCommit}.
 */
public final class OutputFolder implements Closeable {
    /** Bounds the attempts to remove what tasks of a failed run may still be writing: two seconds. */
    private static final int CLOSING_TRIES = 20;

    private static final String CREATED_MEANWHILE = "was created by something else while this command ran";

    private final FileSystem fs;
    private final FolderMover mover;
    private final Path target;
    private final Path staging;
    private final OutputClaim claim;
    private final List<String> written = new ArrayList<>();
    private final List<Map<String, Object>> digests = new ArrayList<>();
    private final List<Path> madeAbove = new ArrayList<>();
    private @Nullable Lease lease;
    private boolean committed;

    private OutputFolder(FolderMover mover, Path target, OutputClaim claim) {
        this.fs = mover.fs();
        this.mover = mover;
        this.target = target;
        this.claim = claim;
        this.staging = Leftovers.beside(target, ".tmp");
    }

    /**
     * Opens a result folder, {@code --output}. Called before the work begins, so that a bad folder fails at once. Removes
     * what killed runs with the same output left.
     *
     * @param inputs the paths that are read: none of them may lie in the folder or contain it
     * @throws OutputException if the folder exists without {@code overwrite}, holds files that kvscale did not write,
     *     or cannot be written
     */
    public static OutputFolder open(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(folder, overwrite, inputs, configuration, Targets.OF_RESULTS);
    }

    static OutputFolder open(
            String folder,
            boolean overwrite,
            List<String> inputs,
            Configuration configuration,
            List<ScaleExporter> exporters) {
        return open(
                folder,
                new OutputClaim("--output", overwrite, OutputClaim.Content.RESULTS, ResultFiles.names(exporters)),
                inputs,
                configuration);
    }

    /**
     * Opens a folder for exported scales, {@code --output}, as {@link #open} does. Its record is the first file.
     *
     * @throws OutputException also if the folder holds files that its record does not list
     */
    public static OutputFolder forExport(
            String folder, boolean overwrite, List<String> inputs, ExportRecord record, Configuration configuration) {
        OutputFolder output =
                open(folder, new OutputClaim("--output", overwrite, OutputClaim.Content.EXPORT), inputs, configuration);
        try {
            output.write(ExportRecord.FILE, record.toJson());
            return output;
        } catch (OutputException e) {
            output.close();
            throw e;
        }
    }

    /**
     * Opens a folder for captures, {@code --save-captures}, as {@link #open} does. Tasks write into {@link #staging}.
     *
     * @throws OutputException also if the folder holds files other than captures
     */
    public static OutputFolder forCaptures(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(
                folder,
                new OutputClaim("--save-captures", overwrite, OutputClaim.Content.CAPTURES),
                inputs,
                configuration);
    }

    private static OutputFolder open(
            String folder, OutputClaim claim, List<String> inputs, Configuration configuration) {
        try {
            Path path = new Path(folder);
            FileSystem fs = connect(path, configuration);
            Path target = linked(fs.makeQualified(path));
            if (target.getParent() == null) {
                throw new OutputException(
                        claim.option() + " " + folder + " is the root of a file system\n  name a folder below it");
            }
            OutputFolder output = new OutputFolder(new FolderMover(fs, configuration), target, claim);
            try {
                Leftovers leftovers = Leftovers.of(fs, target, claim);
                output.checkTarget(output.existing());
                InputOverlap.check(fs, target, "output", claim.option(), inputs, configuration);
                long now = output.makeStaging();
                if (leftovers.restore(output.mover, output.staging)) {
                    output.checkTarget("exists again: a run that would replace it was killed");
                }
                leftovers.remove(output.staging, now);
                return output;
            } catch (IOException | RuntimeException | FSError e) {
                output.close();
                throw e;
            }
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw new OutputException(
                    "the output folder " + folder + " cannot be written: " + ReadFailure.reason(e) + "\n  "
                            + remedy(claim, e),
                    e);
        }
    }

    /** A private FileSystem instance: checksum files are turned off for this folder only, not for all of Spark. */
    static FileSystem connect(Path path, Configuration configuration) throws IOException {
        try {
            FileSystem fs = FileSystem.newInstance(path.toUri(), configuration);
            if (String.valueOf(fs.getUri().getScheme()).startsWith("http")) {
                throw new IOException("files cannot be written over HTTP");
            }
            fs.setWriteChecksum(false);
            fs.getWorkingDirectory();
            return fs;
        } catch (IllegalArgumentException e) {
            throw e;
        } catch (RuntimeException e) {
            // Some connectors report so that a server does not answer, FTP among them.
            throw new IOException(e.getMessage(), e);
        }
    }

    /** A link to a folder stays: the folder that it names is replaced. */
    private static Path linked(Path path) throws IOException {
        if (!FolderMover.isLocal(path) || !Files.isSymbolicLink(FolderMover.local(path))) {
            return path;
        }
        if (!Files.exists(FolderMover.local(path))) {
            throw new IOException("it is a link to a path that does not exist");
        }
        return FolderMover.hadoop(FolderMover.local(path).toRealPath());
    }

    /** Creates the staging folder. Returns the time of the file system. */
    private long makeStaging() throws IOException {
        for (Path p = target.getParent(); p != null && !fs.exists(p); p = p.getParent()) {
            madeAbove.add(p);
        }
        if (!fs.mkdirs(staging)) {
            throw new IOException("no folder can be created in " + shown(target.getParent()));
        }
        // Also removes the folder when the run is interrupted.
        fs.deleteOnExit(staging);
        Lease taken = Lease.take(fs, staging);
        lease = taken;
        return taken.time();
    }

    /** The staging folder, for files that tasks write themselves. */
    public String staging() {
        return staging.toString();
    }

    /**
     * Writes one file.
     *
     * @param name its path relative to the folder
     */
    public void write(String name, byte[] bytes) {
        try (OutputStream out = fs.create(new Path(staging, name), false)) {
            out.write(bytes);
            written.add(name);
            Map<String, Object> digest = new LinkedHashMap<>();
            digest.put("path", name);
            digest.put("bytes", bytes.length);
            digest.put("sha256", DigestUtils.sha256Hex(bytes));
            digests.add(digest);
        } catch (IOException | FSError e) {
            throw failed(e);
        }
    }

    /**
     * Writes a copy of a local file.
     *
     * @param name its path relative to the folder
     */
    public void copy(String name, java.nio.file.Path file) {
        try (OutputStream out = fs.create(new Path(staging, name), false)) {
            Files.copy(file, out);
            written.add(name);
        } catch (IOException | FSError e) {
            throw failed(e);
        }
    }

    /**
     * Makes a symbolic link to a local file or folder.
     *
     * @param name its name in the folder
     */
    public void link(String name, java.nio.file.Path target) {
        try {
            if (!FolderMover.isLocal(staging)) {
                throw new OutputException(
                        "the output folder " + shown(this.target) + " is not on a local disk, and holds no"
                                + " links\n  add --copy, or name a local folder with " + claim.option());
            }
            Files.createSymbolicLink(FolderMover.local(new Path(staging, name)), target.toAbsolutePath());
            written.add(name);
        } catch (IOException | UnsupportedOperationException e) {
            throw failed(e);
        }
    }

    /**
     * Makes the folder appear.
     *
     * @throws OutputException if it cannot, or if another run was faster; the old folder then stays in place
     */
    public void commit() {
        commit(null);
    }

    /**
     * Makes a result folder appear, after a folder of captures.
     *
     * @param captures the captures of the same run; null for none
     * @throws OutputException if one of them cannot appear; says which
     */
    public void commit(@Nullable OutputFolder captures) {
        boolean saved = false;
        RenamingCommit renaming = new RenamingCommit(mover, claim, staging, target);
        try {
            if (captures != null) {
                checkTarget(CREATED_MEANWHILE);
                captures.commit(null);
                saved = true;
            }
            if (mover.isAtomic()) {
                fs.create(new Path(staging, OutputClaim.SUCCESS), false).close();
                lease().release();
                renaming.place(CREATED_MEANWHILE);
            } else {
                placeFiles(lease());
            }
            committed = true;
            written.add(OutputClaim.SUCCESS);
        } catch (IOException | FSError | OutputException e) {
            OutputException failure = e instanceof OutputException known ? known : failed(e);
            Path kept = renaming.restore();
            if (kept != null) {
                failure = failure.with("the folder that it should replace is now " + shown(kept));
            }
            throw captures == null || !saved
                    ? failure
                    : failure.with("the captures are complete in " + captures.path());
        }
        renaming.finish();
    }

    private void checkTarget(String since) throws IOException {
        try {
            claim.replaces(fs, target, since);
        } catch (IOException e) {
            // Perhaps another run replaced the folder in the middle of the operation.
            claim.replaces(fs, target, since);
        }
    }

    /** How the message about a target that exists says so. */
    private String existing() throws IOException {
        boolean maybeIncomplete = !mover.isAtomic() && !fs.exists(new Path(target, OutputClaim.SUCCESS));
        return "already exists"
                + (maybeIncomplete ? ", without _SUCCESS: a run was killed, or is still writing it" : "");
    }

    private void placeFiles(Lease living) throws IOException {
        living.time();
        CommitLock lock = CommitLock.take(fs, target, staging, living);
        try {
            new CopyingCommit(fs, claim, staging, target, lock).place(CREATED_MEANWHILE);
        } finally {
            lock.release();
        }
    }

    private Lease lease() throws IOException {
        if (lease == null) {
            throw new IOException(Lease.REMOVED);
        }
        return lease;
    }

    private static void sleep() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private OutputException failed(Throwable e) {
        return new OutputException(
                "the output folder " + shown(target) + " cannot be written: " + ReadFailure.reason(e) + "\n  "
                        + remedy(claim, e),
                e);
    }

    private static String remedy(OutputClaim claim, Throwable e) {
        String check = ReadFailure.isUnreachable(e)
                ? "check its address and that the server runs, or "
                : e instanceof IllegalArgumentException ? "" : "check free space and permissions, or ";
        return check + "name another folder with " + claim.option();
    }

    /** The path of the folder, which exists after {@link #commit}. */
    public String path() {
        return shown(target);
    }

    /** The paths of the files given to {@link #write}, which exist after {@link #commit}. */
    public List<String> paths() {
        return written.stream().map(name -> shown(new Path(target, name))).toList();
    }

    /** Path, bytes and SHA-256 of the files given to {@link #write}, for a record. */
    List<Map<String, Object>> digests() {
        return List.copyOf(digests);
    }

    /** Removes everything that was not committed. */
    @Override
    public void close() {
        if (lease != null) {
            lease.stop();
        }
        for (int i = 0; i < CLOSING_TRIES && Leftovers.discard(fs, staging); i++) {
            sleep();
        }
        try (fs) {
            if (!committed) {
                for (Path made : madeAbove) {
                    // Not recursive: another process may have written into it meanwhile.
                    fs.delete(made, false);
                }
            }
        } catch (IOException e) {
            // The result is in place or the error is already reported; an empty folder may remain.
        }
    }
}
