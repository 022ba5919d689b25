package io.kvscale.job.export;

import static io.kvscale.job.export.OutputClaim.shown;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * One output file that appears whole or not at all. On local file systems and HDFS it is written beside its place under a
 * hidden name, which begins with a dot and ends in {@code .tmp}, and renamed. Object stores show a file only when it is
 * complete, so there it is written in its place. Of several runs that write one file at the same time, one wins.
 */
public final class OutputFile implements Closeable {
    private final FolderMover mover;
    private final Path target;
    private final boolean overwrite;
    private final String option;

    private OutputFile(FolderMover mover, Path target, boolean overwrite, String option) {
        this.mover = mover;
        this.target = target;
        this.overwrite = overwrite;
        this.option = option;
    }

    /**
     * Checks the place of the file. Called before the work begins, so that a bad place fails at once.
     *
     * @param overwrite whether to replace an existing file
     * @param start the first bytes of files that may be replaced, as ASCII
     * @param option that names the file, for errors
     * @throws OutputException if there is a folder, a file without {@code overwrite}, or a file that begins otherwise
     */
    public static OutputFile open(
            String file, boolean overwrite, String start, String option, Configuration configuration) {
        try {
            Path path = new Path(file);
            FileSystem fs = OutputFolder.connect(path, configuration);
            OutputFile output =
                    new OutputFile(new FolderMover(fs, configuration), fs.makeQualified(path), overwrite, option);
            output.check(start);
            return output;
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw failed(file, option, e);
        }
    }

    private void check(String start) throws IOException {
        FileSystem fs = mover.fs();
        if (!fs.exists(target)) {
            return;
        }
        if (fs.getFileStatus(target).isDirectory()) {
            throw new OutputException("the output file " + path() + " is a folder\n  name a file with " + option);
        }
        if (!overwrite) {
            throw existing("already exists");
        }
        byte[] wanted = start.getBytes(StandardCharsets.US_ASCII);
        try (InputStream in = fs.open(target)) {
            if (!Arrays.equals(in.readNBytes(wanted.length), wanted)) {
                throw new OutputException("the output file " + path()
                        + " exists and is not a file that this command writes\n  name another file with "
                        + option);
            }
        }
    }

    private OutputException existing(String how) {
        return new OutputException(
                "the output file " + path() + " " + how + "\n  add --overwrite, or name another file with " + option);
    }

    /**
     * Makes the file appear.
     *
     * @throws OutputException if it cannot, or if another process was faster; an old file then stays
     */
    public void write(byte[] bytes) {
        try {
            if (mover.isAtomic()) {
                writeAside(bytes);
            } else {
                create(target, overwrite, bytes);
            }
        } catch (FileAlreadyExistsException e) {
            // Also where a file has the name of a folder above this one.
            throw isThere() ? created() : failed(path(), option, e);
        } catch (IOException | FSError e) {
            throw failed(path(), option, e);
        }
    }

    private boolean isThere() {
        try {
            return mover.fs().exists(target);
        } catch (IOException | FSError e) {
            return false;
        }
    }

    private void writeAside(byte[] bytes) throws IOException {
        FileSystem fs = mover.fs();
        Path hidden = Leftovers.beside(target, ".tmp");
        // Also removes it when the run is interrupted.
        fs.deleteOnExit(hidden);
        create(hidden, false, bytes);
        if (overwrite) {
            mover.replace(hidden, target);
        } else if (fs.exists(target) || !mover.move(hidden, target)) {
            throw created();
        }
    }

    private void create(Path file, boolean replacing, byte[] bytes) throws IOException {
        try (OutputStream out = mover.fs().create(file, replacing)) {
            out.write(bytes);
        }
    }

    private OutputException created() {
        return existing("was created by something else while this command ran");
    }

    private static OutputException failed(String file, String option, Throwable e) {
        return OutputException.refused("the output file " + file + " cannot be written", e, "file with " + option);
    }

    /** The path of the file. */
    public String path() {
        return shown(target);
    }

    /** Removes what was written and not renamed. */
    @Override
    public void close() {
        try {
            mover.fs().close();
        } catch (IOException | RuntimeException | FSError e) {
            // The hidden file stays; the error that led here is the one to report.
        }
    }
}
