package io.kvscale.job.bench;

import io.kvscale.safetensors.SafetensorsWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Captures in a folder of their own, which is gone after {@link #close}, and after a JVM that was told to stop. */
final class GeneratedCaptures implements Closeable {
    /** Distinct tensors in all; the files take them in turn. */
    private static final int TENSORS = 8;

    private final Path folder;
    private final Thread atExit;

    private GeneratedCaptures(Path folder) {
        this.folder = folder;
        this.atExit = new Thread(this::delete, "kvscale-bench-cleanup");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Writes files of that shape, {@code bytes} in all or a little less, into a new folder below {@code parent}. */
    static GeneratedCaptures write(Path parent, CaptureShape shape, long bytes) throws IOException {
        GeneratedCaptures captures = new GeneratedCaptures(Files.createTempDirectory(parent, "kvscale-bench-"));
        try {
            captures.fill(shape, Math.max(1, bytes / shape.fileBytes()));
            return captures;
        } catch (IOException | RuntimeException e) {
            captures.close();
            throw e;
        }
    }

    private void fill(CaptureShape shape, long files) throws IOException {
        List<byte[]> tensors = Stream.iterate(1, seed -> seed + 1)
                .limit(TENSORS)
                .map(seed -> TensorBytes.of(shape, seed))
                .toList();
        for (int file = 0; file < files; file++) {
            SafetensorsWriter writer = new SafetensorsWriter();
            for (int layer = 0; layer < shape.layers(); layer++) {
                int next = file + 2 * layer;
                writer.add("layers." + layer + ".keys", "BF16", shape.dimensions(), tensors.get(next % TENSORS));
                writer.add(
                        "layers." + layer + ".values", "BF16", shape.dimensions(), tensors.get((next + 1) % TENSORS));
            }
            try (OutputStream out = Files.newOutputStream(folder.resolve("sample-" + file + ".safetensors"))) {
                writer.writeTo(out);
            }
        }
    }

    Path folder() {
        return folder;
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
        try (Stream<Path> found = Files.walk(folder)) {
            for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (java.nio.file.NoSuchFileException e) {
            // Deleted before.
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + folder, e);
        }
    }
}
