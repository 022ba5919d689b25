package io.kvscale.job.bench;

import io.kvscale.input.TemporaryFolder;
import io.kvscale.safetensors.SafetensorsWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** Generated captures in a temporary folder, which {@link #close} deletes. */
final class GeneratedCaptures implements Closeable {
    /** Number of distinct tensors; the files use them in turn. */
    private static final int TENSORS = 8;

    /** Number of many captures in a folder. */
    private static final int FOLDER = 1000;
    /** Number of many captures with a content of their own. */
    private static final int CONTENTS = 1 << 14;

    private final TemporaryFolder folder;

    private GeneratedCaptures(TemporaryFolder folder) {
        this.folder = folder;
    }

    /** Writes files of this shape, at most {@code bytes} in total but at least one, to a new folder in {@code parent}. */
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

    /**
     * Writes captures of {@link CaptureShape#TINY}, to folders of {@link #FOLDER} each. At most {@link #CONTENTS} have a content
     * of their own; the others are hard links to them.
     */
    static GeneratedCaptures writeMany(Path parent, int files) throws IOException {
        GeneratedCaptures captures = new GeneratedCaptures(TemporaryFolder.in(parent, "kvscale-bench-"));
        try {
            captures.fillFolders(files);
            return captures;
        } catch (IOException | RuntimeException e) {
            captures.close();
            throw e;
        }
    }

    private void fillFolders(int files) throws IOException {
        CaptureShape shape = CaptureShape.TINY;
        byte[] tensor = shape.randomTensor(1);
        for (int file = 0; file < files; file++) {
            Path target = many(file);
            if (file % FOLDER == 0) {
                Files.createDirectories(target.getParent());
            }
            if (file >= CONTENTS) {
                Files.createLink(target, many(file % CONTENTS));
                continue;
            }
            byte[] keys = tensor.clone();
            keys[0] = (byte) file;
            keys[2] = (byte) (file >> Byte.SIZE);
            SafetensorsWriter writer = new SafetensorsWriter();
            for (int layer = 0; layer < shape.layers(); layer++) {
                writer.add("layers." + layer + ".keys", "BF16", shape.dimensions(), keys);
                writer.add("layers." + layer + ".values", "BF16", shape.dimensions(), tensor);
            }
            try (OutputStream out = Files.newOutputStream(target)) {
                writer.writeTo(out);
            }
        }
    }

    private Path many(int file) {
        return folder.path().resolve("part-" + file / FOLDER).resolve("sample-" + file + ".safetensors");
    }

    private void fill(CaptureShape shape, long files) throws IOException {
        List<byte[]> tensors =
                LongStream.rangeClosed(1, TENSORS).mapToObj(shape::randomTensor).toList();
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
