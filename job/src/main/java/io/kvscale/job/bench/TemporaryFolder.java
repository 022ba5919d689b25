package io.kvscale.job.bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileUtil;

/** A folder that is deleted by {@link #close}, or when the JVM exits. */
final class TemporaryFolder implements Closeable {
    private final Path path;
    private final Thread atExit;

    private TemporaryFolder(Path path) {
        this.path = path;
        this.atExit = new Thread(() -> FileUtil.fullyDelete(path.toFile()), "kvscale-bench-cleanup");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Creates a folder in {@code parent}. */
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
            // The JVM is exiting: the hook runs and finds no folder.
        }
    }
}
