package io.kvscale.job.bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileUtil;

/** A folder that is gone after {@link #close}, and after a JVM that was told to stop. */
final class TemporaryFolder implements Closeable {
    private final Path path;
    private final Thread atExit;

    private TemporaryFolder(Path path) {
        this.path = path;
        this.atExit = new Thread(() -> FileUtil.fullyDelete(path.toFile()), "kvscale-bench-cleanup");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** A new folder below {@code parent}. */
    static TemporaryFolder in(Path parent) throws IOException {
        return new TemporaryFolder(Files.createTempDirectory(parent, "kvscale-bench-"));
    }

    Path path() {
        return path;
    }

    @Override
    public void close() {
        FileUtil.fullyDelete(path.toFile());
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is already stopping: the hook runs, and finds nothing.
        }
    }
}
