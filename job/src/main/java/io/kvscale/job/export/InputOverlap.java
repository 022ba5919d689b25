package io.kvscale.job.export;

import static io.kvscale.job.export.OutputClaim.shown;

import io.kvscale.tensor.DataProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Refuses a folder to write that lies in an input or contains one, also behind links and mount tables. */
public final class InputOverlap {
    private InputOverlap() {}

    /**
     * Checks that a folder and inputs do not overlap.
     *
     * @param what is written to the folder, for the message
     * @param option that names the folder
     * @throws OutputException if they overlap
     */
    public static void check(
            FileSystem fs, Path target, String what, String option, List<String> inputs, Configuration configuration) {
        Path real = real(fs, target);
        for (String input : inputs) {
            Path path = real(input, configuration);
            if (path != null && (isWithin(real, path) || isWithin(path, real))) {
                throw new OutputException("the " + what + " folder " + shown(target) + " and the input "
                        + DataProblem.shown(input) + " overlap\n  name another folder with " + option);
            }
        }
    }

    /** The input's path in the file system that holds it; null if the path cannot be used. */
    private static @Nullable Path real(String input, Configuration configuration) {
        try {
            Path path = new Path(input);
            FileSystem files = path.getFileSystem(configuration);
            return real(files, files.makeQualified(path));
        } catch (IOException | RuntimeException e) {
            return null; // listing the inputs reports it
        }
    }

    /** The path in the file system behind a mount table, without links and dots if that is local. */
    private static Path real(FileSystem files, Path path) {
        for (Path p = path; p != null; p = p.getParent()) {
            try {
                String rest =
                        path.toUri().getPath().substring(p.toUri().getPath().length());
                Path there = files.resolvePath(p);
                return real(rest.isEmpty() ? there : new Path(there, rest.replaceFirst("^/+", "")));
            } catch (IOException e) {
                // It does not exist: the folder above it may.
            }
        }
        return real(path);
    }

    /** The path without links and dots, for a local file. */
    private static Path real(Path path) {
        if (!FolderMover.isLocal(path)) {
            return path;
        }
        java.nio.file.Path full = FolderMover.local(path).toAbsolutePath();
        for (java.nio.file.Path p = full; p != null; p = p.getParent()) {
            if (Files.exists(p, LinkOption.NOFOLLOW_LINKS)) {
                try {
                    return FolderMover.hadoop(
                            p.toRealPath().resolve(p.relativize(full)).normalize());
                } catch (IOException e) {
                    return path; // reading or writing it reports the reason
                }
            }
        }
        return path;
    }

    private static boolean isWithin(Path inner, Path outer) {
        for (Path p = inner; p != null; p = p.getParent()) {
            if (p.equals(outer)) {
                return true;
            }
        }
        return false;
    }
}
