package io.kvscale.job.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/**
 * Moves folders beside each other, never into or over an existing one. Hadoop's plain {@code rename} moves a folder into
 * an existing one.
 *
 * <p>Local file systems and HDFS do this in one step. Other file systems may copy: there the moved folder is compared with
 * the original.
 */
record FolderMover(FileSystem fs, Configuration configuration) {
    private static final Set<String> ATOMIC = Set.of("file", "hdfs");

    /**
     * Moves a folder to a name that other processes may use.
     *
     * @return false if {@code to} exists or {@code from} does not
     * @throws IOException if neither is the reason
     * @throws OutputException if another process wrote into {@code to} at the same time
     */
    boolean move(Path from, Path to) throws IOException {
        if (isAtomic()) {
            return moveAside(from, to);
        }
        SortedMap<String, Long> content = content(from);
        return moveAside(from, to) && isMoved(from, to, content);
    }

    /** Whether a folder is moved in one step: a folder that has the new name is whole. */
    boolean isAtomic() {
        return ATOMIC.contains(String.valueOf(fs.getUri().getScheme()));
    }

    /** Moves a folder as {@link #move} does, to a name that no other process uses. */
    boolean moveAside(Path from, Path to) throws IOException {
        try {
            rename(from, to, Options.Rename.NONE);
            return true;
        } catch (IOException e) {
            if (fs.exists(to) || !fs.exists(from)) {
                return false;
            }
            throw e;
        }
    }

    /** Moves a file to a name, in place of the file that has it. */
    void replace(Path from, Path to) throws IOException {
        rename(from, to, Options.Rename.OVERWRITE);
    }

    private void rename(Path from, Path to, Options.Rename how) throws IOException {
        if ("file".equals(fs.getUri().getScheme())) {
            Files.move(local(from), local(to), StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        try {
            FileContext.getFileContext(fs.getUri(), configuration).rename(from, to, how);
        } catch (UnsupportedFileSystemException e) {
            // The connector has only the older interface.
            if (how == Options.Rename.OVERWRITE) {
                fs.delete(to, false);
            }
            if (fs.exists(to) || !fs.rename(from, to)) {
                throw new IOException("it cannot be moved to " + to, e);
            }
        }
    }

    private boolean isMoved(Path from, Path to, SortedMap<String, Long> content) throws IOException {
        Path inside = new Path(to, from.getName());
        if (fs.exists(inside)) {
            // Another process created the folder after the check.
            if (!fs.rename(inside, from)) {
                fs.delete(inside, true);
            }
            return false;
        }
        if (!content(to).equals(content)) {
            throw new OutputException("the output folder " + OutputClaim.shown(to)
                    + " holds files of several processes, which ended at the same time\n  run again with --overwrite");
        }
        return true;
    }

    private SortedMap<String, Long> content(Path folder) throws IOException {
        SortedMap<String, Long> content = new TreeMap<>();
        collect(folder, "", content);
        return content;
    }

    /** Adds the length of each file by relative path, without what another process moved into the folder. */
    private void collect(Path folder, String prefix, SortedMap<String, Long> content) throws IOException {
        for (FileStatus status : fs.listStatus(folder)) {
            String name = prefix + status.getPath().getName();
            if (Leftovers.isStaging(name)) {
                continue;
            }
            if (status.isDirectory()) {
                collect(status.getPath(), name + "/", content);
            } else {
                content.put(name, status.getLen());
            }
        }
    }

    static boolean isLocal(Path path) {
        return "file".equals(path.toUri().getScheme());
    }

    static boolean isLink(Path path) {
        return isLocal(path) && Files.isSymbolicLink(local(path));
    }

    static java.nio.file.Path local(Path path) {
        return java.nio.file.Path.of(path.toUri().getPath());
    }

    static Path hadoop(java.nio.file.Path path) {
        return new Path("file", null, path.toString());
    }
}
