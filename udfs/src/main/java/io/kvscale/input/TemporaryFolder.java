package io.kvscale.input;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileUtil;

/** A folder that is deleted by {@link #close}, or when the JVM stops. */
public final class TemporaryFolder implements Closeable {
    private final Path path;
    private final Thread atExit;

    private TemporaryFolder(Path path) {
        this.path = path;
        this.atExit = new Thread(() -> FileUtil.fullyDelete(path.toFile()), "kvscale-cleanup");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Creates a folder below {@code parent} whose name begins with {@code prefix}. */
    public static TemporaryFolder in(Path parent, String prefix) throws IOException {
        return new TemporaryFolder(Files.createTempDirectory(parent, prefix));
    }

    public Path path() {
        return path;
    }

    @Override
    public void close() {
        FileUtil.fullyDelete(path.toFile());
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is already stopping: the hook runs and finds nothing.
        }
    }
}
