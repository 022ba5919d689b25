package io.kvscale.job.export;

import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.jspecify.annotations.Nullable;

/**
 * An output folder that appears whole or not at all. Files are written to a hidden staging folder beside it, which
 * {@link #commit} renames. With {@code overwrite} the old folder stays until then.
 *
 * <p>On object stores a rename is a copy: there readers should wait for {@code _SUCCESS}, which is written last.
 */
public final class OutputFolder implements Closeable {
    private static final String SUCCESS = "_SUCCESS";
    private static final String CAPTURE = ".safetensors";

    private final FileSystem fs;
    private final Path target;
    private final Path staging;
    private final Claim claim;
    private final List<String> written = new ArrayList<>();
    private final List<Path> madeAbove = new ArrayList<>();
    private boolean committed;

    /**
     * The options that ask for the folder.
     *
     * @param option the option that named the folder
     * @param results the names that a replaced folder may hold; empty for a folder of captures at any depth
     */
    private record Claim(String option, boolean overwrite, Set<String> results) {
        /** The first name in an existing folder that kvscale did not write; null if there is none. */
        @Nullable
        String foreign(FileSystem fs, Path folder) throws IOException {
            List<String> names = new ArrayList<>();
            if (results.isEmpty()) {
                RemoteIterator<LocatedFileStatus> files = fs.listFiles(folder, true);
                while (files.hasNext()) {
                    names.add(files.next().getPath().getName());
                }
                names.removeIf(name -> name.endsWith(CAPTURE));
            } else {
                // If the path is a file, the listing holds the file itself.
                Arrays.stream(fs.listStatus(folder))
                        .map(status -> status.getPath().getName())
                        .forEach(names::add);
                names.removeAll(results);
            }
            return names.stream()
                    .filter(name -> !name.equals(SUCCESS))
                    .sorted()
                    .findFirst()
                    .orElse(null);
        }
    }

    private OutputFolder(FileSystem fs, Path target, Claim claim) {
        this.fs = fs;
        this.target = target;
        this.claim = claim;
        this.staging = beside(".tmp");
    }

    /**
     * Opens a result folder, {@code --output}. Called before the work begins, so that a bad folder fails at once.
     *
     * @param inputs the paths that are read: none of them may lie in the folder or contain it
     * @throws OutputException if the folder exists without {@code overwrite}, holds files that kvscale did not write,
     *     or cannot be written
     */
    public static OutputFolder open(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(folder, overwrite, inputs, configuration, ResultFiles.EXPORTERS);
    }

    static OutputFolder open(
            String folder,
            boolean overwrite,
            List<String> inputs,
            Configuration configuration,
            List<ScaleExporter> exporters) {
        return open(folder, new Claim("--output", overwrite, ResultFiles.names(exporters)), inputs, configuration);
    }

    /**
     * Opens a folder for captures, {@code --save-captures}, as {@link #open} does. Tasks write into {@link #staging}.
     *
     * @throws OutputException also if the folder holds files other than captures
     */
    public static OutputFolder forCaptures(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(folder, new Claim("--save-captures", overwrite, Set.of()), inputs, configuration);
    }

    private static OutputFolder open(String folder, Claim claim, List<String> inputs, Configuration configuration) {
        try {
            Path path = new Path(folder);
            // A private FileSystem instance: checksum files are turned off for this folder only, not for all of Spark.
            FileSystem fs = FileSystem.newInstance(path.toUri(), configuration);
            if (String.valueOf(fs.getUri().getScheme()).startsWith("http")) {
                throw new IOException("files cannot be written over HTTP");
            }
            fs.setWriteChecksum(false);
            Path target = fs.makeQualified(path);
            if (target.getParent() == null) {
                throw new OutputException(
                        claim.option + " " + folder + " is the root of a file system\n  name a folder below it");
            }
            OutputFolder output = new OutputFolder(fs, target, claim);
            output.checkTarget();
            output.checkInputs(inputs, configuration);
            output.makeStaging();
            return output;
        } catch (OutputException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // some file systems throw exceptions of their own
            throw new OutputException(
                    "the output folder " + folder + " cannot be written: " + e.getMessage()
                            + "\n  name another folder with " + claim.option + ", or change the permissions",
                    e);
        }
    }

    private void makeStaging() throws IOException {
        for (Path p = target.getParent(); p != null && !fs.exists(p); p = p.getParent()) {
            madeAbove.add(p);
        }
        if (!fs.mkdirs(staging)) {
            throw new IOException("no folder can be created in " + shown(target.getParent()));
        }
        // Also removes the folder when the run is interrupted.
        fs.deleteOnExit(staging);
    }

    private void checkTarget() throws IOException {
        if (!fs.exists(target)) {
            return;
        }
        if (!claim.overwrite) {
            throw new OutputException("the output folder " + shown(target)
                    + " already exists\n  name another folder with " + claim.option + ", or add --overwrite");
        }
        String foreign = claim.foreign(fs, target);
        if (foreign != null) {
            String kind = claim.results.isEmpty() ? "captures" : "kvscale results";
            throw new OutputException("the output folder " + shown(target) + " holds files other than " + kind + ": "
                    + DataProblem.shown(foreign) + "\n  name another folder with " + claim.option
                    + "; --overwrite replaces only a folder of " + kind);
        }
    }

    private void checkInputs(List<String> inputs, Configuration configuration) {
        for (String input : inputs) {
            Path path = qualified(input, configuration);
            if (path == null) {
                continue;
            }
            if (isWithin(target, path) || isWithin(path, target)) {
                throw new OutputException("the output folder " + shown(target) + " and the input " + shown(path)
                        + " overlap\n  name another folder with " + claim.option);
            }
        }
    }

    /** The input's full path in its own file system; null if the path cannot be used. */
    private static @Nullable Path qualified(String input, Configuration configuration) {
        try {
            Path path = new Path(input);
            return path.getFileSystem(configuration).makeQualified(path);
        } catch (IOException | RuntimeException e) {
            return null; // listing the inputs reports it
        }
    }

    private static boolean isWithin(Path inner, Path outer) {
        for (Path p = inner; p != null; p = p.getParent()) {
            if (p.equals(outer)) {
                return true;
            }
        }
        return false;
    }

    private Path beside(String suffix) {
        return new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID() + suffix);
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
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Makes the folder appear.
     *
     * @throws OutputException if it cannot; the old folder then stays in place
     */
    public void commit() {
        write(SUCCESS, new byte[0]);
        Path old = beside(".old");
        boolean replaces = false;
        try {
            if (fs.exists(target)) {
                if (!claim.overwrite) {
                    throw new OutputException("the output folder " + shown(target)
                            + " was created by something else while this command ran\n" + "  name another folder with "
                            + claim.option + ", or add --overwrite");
                }
                move(target, old);
                replaces = true;
            }
            move(staging, target);
            committed = true;
        } catch (IOException e) {
            if (replaces) {
                restore(old, e);
            }
            throw failed(e);
        }
        discard(old);
    }

    private void move(Path from, Path to) throws IOException {
        if (!fs.rename(from, to)) {
            throw new IOException(shown(from) + " cannot be moved to " + shown(to));
        }
    }

    private void restore(Path old, IOException because) {
        try {
            move(old, target);
        } catch (IOException e) {
            throw new OutputException(
                    "the output folder " + shown(target) + " cannot be written: " + because.getMessage()
                            + "\n  the old folder could not be moved back; it is now " + shown(old),
                    e);
        }
    }

    private void discard(Path old) {
        try {
            fs.delete(old, true);
        } catch (IOException e) {
            // The result is in place; a hidden folder may remain.
        }
    }

    private OutputException failed(IOException e) {
        return new OutputException(
                "the output folder " + shown(target) + " cannot be written: " + e.getMessage()
                        + "\n  nothing was changed",
                e);
    }

    /** The path of the folder, which exists after {@link #commit}. */
    public String path() {
        return shown(target);
    }

    /** The paths of the files given to {@link #write}, which exist after {@link #commit}. */
    public List<String> paths() {
        return written.stream().map(name -> shown(new Path(target, name))).toList();
    }

    private static String shown(Path path) {
        return "file".equals(path.toUri().getScheme()) ? path.toUri().getPath() : path.toString();
    }

    /** Removes everything that was not committed. */
    @Override
    public void close() {
        try {
            fs.delete(staging, true);
            if (!committed) {
                for (Path made : madeAbove) {
                    // Not recursive: another process may have written into it meanwhile.
                    fs.delete(made, false);
                }
            }
            fs.close();
        } catch (IOException e) {
            // The result is in place or the error is already reported; a hidden folder may remain.
        }
    }
}
