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
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.jspecify.annotations.Nullable;

/**
 * A folder that appears whole or not at all: files are written into a hidden folder beside it, which is renamed at the
 * end. With {@code overwrite} the old folder stays until then.
 *
 * <p>On object stores a rename is a copy, so there {@code _SUCCESS}, written last, is what readers wait for.
 */
public final class OutputFolder implements Closeable {
    private static final String SUCCESS = "_SUCCESS";
    private static final String CAPTURE = ".safetensors";

    /** All that this, {@link ResultFiles} and an evaluation write. */
    private static final Set<String> RESULTS = Set.of(
            "kv_scales.json", "statistics.kvstats", "run.json", "report.html", "vllm", "evaluation.json", SUCCESS);

    private final FileSystem fs;
    private final Path target;
    private final Path staging;
    private final Claim claim;
    private final List<String> written = new ArrayList<>();
    private final List<Path> madeAbove = new ArrayList<>();
    private boolean committed;

    /**
     * What may be replaced.
     *
     * @param option that named the folder
     * @param results names that an older folder may hold; with others it is someone else's. Empty: captures, below any
     *     folders
     */
    private record Claim(String option, boolean overwrite, Set<String> results) {
        /** What an older folder holds that is not ours; null for nothing. */
        @Nullable
        String foreign(FileSystem fs, Path folder) throws IOException {
            Stream<String> names = results.isEmpty()
                    ? files(fs, folder).filter(name -> !name.equals(SUCCESS) && !name.endsWith(CAPTURE))
                    : Arrays.stream(fs.listStatus(folder))
                            .map(status -> status.getPath().getName())
                            .filter(name -> !results.contains(name));
            return names.sorted().findFirst().orElse(null);
        }

        private static Stream<String> files(FileSystem fs, Path folder) throws IOException {
            List<String> names = new ArrayList<>();
            RemoteIterator<LocatedFileStatus> files = fs.listFiles(folder, true);
            while (files.hasNext()) {
                names.add(files.next().getPath().getName());
            }
            return names.stream();
        }
    }

    private OutputFolder(FileSystem fs, Path target, Claim claim) {
        this.fs = fs;
        this.target = target;
        this.claim = claim;
        this.staging = beside(".tmp");
    }

    /**
     * Claims a folder before the work begins, so that a bad one is known at once.
     *
     * @param inputs what is read: the folder must be neither within nor above any of it
     * @throws OutputException if it exists without {@code overwrite}, holds something else, or cannot be written
     */
    public static OutputFolder open(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(folder, new Claim("--output", overwrite, RESULTS), inputs, configuration);
    }

    /**
     * Claims a folder for captures, as {@link #open}; tasks put them into {@link #staging}.
     *
     * @throws OutputException if it exists without {@code overwrite}, holds anything but captures, or cannot be written
     */
    public static OutputFolder ofCaptures(
            String folder, boolean overwrite, List<String> inputs, Configuration configuration) {
        return open(folder, new Claim("--save-captures", overwrite, Set.of()), inputs, configuration);
    }

    private static OutputFolder open(String folder, Claim claim, List<String> inputs, Configuration configuration) {
        try {
            Path path = new Path(folder);
            // An instance of one's own: the checksum files are turned off for this folder, not for all of Spark.
            FileSystem fs = FileSystem.newInstance(path.toUri(), configuration);
            fs.setWriteChecksum(false);
            Path target = fs.makeQualified(path);
            if (target.getParent() == null) {
                throw new OutputException(
                        claim.option + " " + folder + " is the root of a file system\n  name a folder in it");
            }
            OutputFolder output = new OutputFolder(fs, target, claim);
            output.checkTarget();
            output.checkInputs(inputs, configuration);
            output.makeStaging();
            return output;
        } catch (IOException | IllegalArgumentException e) {
            throw new OutputException(
                    "the output folder " + folder + " cannot be written: " + e.getMessage() + "\n  name another with "
                            + claim.option + ", or mend the permissions",
                    e);
        }
    }

    private void makeStaging() throws IOException {
        for (Path p = target.getParent(); p != null && !fs.exists(p); p = p.getParent()) {
            madeAbove.add(p);
        }
        if (!fs.mkdirs(staging)) {
            throw new IOException("no folder can be made in " + shown(target.getParent()));
        }
        // An interrupted run leaves nothing either.
        fs.deleteOnExit(staging);
    }

    private void checkTarget() throws IOException {
        if (!fs.exists(target)) {
            return;
        }
        if (!claim.overwrite) {
            throw new OutputException("the output folder " + shown(target) + " exists\n  name another with "
                    + claim.option + ", or say --overwrite");
        }
        // Of a file the listing is the file itself.
        String foreign = claim.foreign(fs, target);
        if (foreign != null) {
            throw new OutputException("the output folder " + shown(target) + " holds something else than kvscale's "
                    + (claim.results.isEmpty() ? "captures" : "results") + ": " + DataProblem.shown(foreign)
                    + "\n  name another with " + claim.option + ": --overwrite replaces those only");
        }
    }

    private void checkInputs(List<String> inputs, Configuration configuration) {
        for (String input : inputs) {
            Path path = qualified(input, configuration);
            if (path == null) {
                continue;
            }
            if (isWithin(target, path) || isWithin(path, target)) {
                throw new OutputException("the output folder " + shown(target) + " and " + shown(path)
                        + " lie within each other\n  name another with " + claim.option);
            }
        }
    }

    /** As its own file system says it, which may be another than the output's; null where there is no such thing. */
    private static @Nullable Path qualified(String input, Configuration configuration) {
        try {
            Path path = new Path(input);
            return path.getFileSystem(configuration).makeQualified(path);
        } catch (IOException | IllegalArgumentException e) {
            return null; // listing the inputs will say so
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

    /** Where files may be put that are not given to {@link #write}: a folder that {@link #commit} renames. */
    public String staging() {
        return staging.toString();
    }

    /** Writes one file, by its path below the folder. */
    public void write(String name, byte[] bytes) {
        try (OutputStream out = fs.create(new Path(staging, name), false)) {
            out.write(bytes);
            written.add(name);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Makes the folder appear. */
    public void commit() {
        write(SUCCESS, new byte[0]);
        Path old = beside(".old");
        boolean replaces = false;
        try {
            if (fs.exists(target)) {
                if (!claim.overwrite) {
                    throw new OutputException("the output folder " + shown(target) + " appeared while the job ran\n"
                            + "  name another with " + claim.option + ", or say --overwrite");
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
                            + "\n  the old one could not be put back: it is " + shown(old),
                    e);
        }
    }

    private void discard(Path old) {
        try {
            fs.delete(old, true);
        } catch (IOException e) {
            // The result is in place; a hidden folder may be left.
        }
    }

    private OutputException failed(IOException e) {
        return new OutputException(
                "the output folder " + shown(target) + " cannot be written: " + e.getMessage()
                        + "\n  nothing was changed",
                e);
    }

    /** Where it will be, or is. */
    public String path() {
        return shown(target);
    }

    /** Where the files will be, or are. */
    public List<String> paths() {
        return written.stream().map(name -> shown(new Path(target, name))).toList();
    }

    private static String shown(Path path) {
        return "file".equals(path.toUri().getScheme()) ? path.toUri().getPath() : path.toString();
    }

    /** Removes what was not committed. */
    @Override
    public void close() {
        try {
            fs.delete(staging, true);
            if (!committed) {
                for (Path made : madeAbove) {
                    // Only while empty: someone else may have begun to use it.
                    fs.delete(made, false);
                }
            }
            fs.close();
        } catch (IOException e) {
            // The result stands or the error is already told; a hidden folder may be left.
        }
    }
}
