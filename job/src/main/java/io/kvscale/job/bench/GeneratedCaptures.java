package io.kvscale.job.bench;

import io.kvscale.input.TemporaryFolder;
import io.kvscale.safetensors.SafetensorsWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Captures in a folder of their own, which is gone after {@link #close}. */
final class GeneratedCaptures implements Closeable {
    /** Distinct tensors in all; the files take them in turn. */
    private static final int TENSORS = 8;

    private final TemporaryFolder folder;

    private GeneratedCaptures(TemporaryFolder folder) {
        this.folder = folder;
    }

    /** Writes files of that shape, {@code bytes} in all or a little less, into a new folder below {@code parent}. */
    static GeneratedCaptures write(Path parent, CaptureShape shape, long bytes) throws IOException {
        GeneratedCaptures captures = new GeneratedCaptures(TemporaryFolder.in(parent, "kvscale-bench-"));
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
            try (OutputStream out = Files.newOutputStream(folder.path().resolve("sample-" + file + ".safetensors"))) {
                writer.writeTo(out);
            }
        }
    }

    Path folder() {
        return folder.path();
    }

    @Override
    public void close() {
        folder.close();
    }
}
