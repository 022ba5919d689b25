package io.kvscale.job.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/**
 * Moves folders beside each other in one step, never into or over an existing one, on local file systems and HDFS. Hadoop's
 * plain {@code rename} moves a folder into an existing one.
 */
record FolderMover(FileSystem fs, Configuration configuration) {
    /** No capability that Hadoop's file systems declare tells whether a rename is one step, so only these are trusted. */
    private static final Set<String> ATOMIC = Set.of("file", "hdfs");

    /** Whether a folder is moved in one step: a folder that has the new name is whole. */
    boolean isAtomic() {
        return ATOMIC.contains(String.valueOf(fs.getUri().getScheme()));
    }

    /**
     * Moves a folder.
     *
     * @return false if {@code to} exists or {@code from} does not
     * @throws IOException if neither is the reason
     */
    boolean move(Path from, Path to) throws IOException {
        try {
            if ("file".equals(fs.getUri().getScheme())) {
                Files.move(local(from), local(to), StandardCopyOption.ATOMIC_MOVE);
            } else {
                FileContext.getFileContext(fs.getUri(), configuration).rename(from, to, Options.Rename.NONE);
            }
            return true;
        } catch (IOException e) {
            if (fs.exists(to) || !fs.exists(from)) {
                return false;
            }
            throw e;
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
