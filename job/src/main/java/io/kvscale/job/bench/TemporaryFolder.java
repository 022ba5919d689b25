package io.kvscale.job.bench;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A folder that is gone after {@link #close}, and after a JVM that was told to stop. */
final class TemporaryFolder implements Closeable {
    private final Path path;
    private final Thread atExit;

    private TemporaryFolder(Path path) {
        this.path = path;
        this.atExit = new Thread(this::delete, "kvscale-bench-cleanup");
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
        delete();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is already stopping: the hook runs, and finds nothing.
        }
    }

    private void delete() {
        try (Stream<Path> found = Files.walk(path)) {
            for (Path file : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException e) {
            // Deleted before.
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + path, e);
        }
    }
}
