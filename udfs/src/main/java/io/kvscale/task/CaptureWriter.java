package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Saves each sample as a capture, {@code <name>.safetensors} below a folder of any file system that Hadoop knows.
 *
 * <p>A file appears whole or not at all: it is written under a hidden name and renamed. One that is there already is left,
 * for a task that is tried again, or twice at once, computes the same.
 */
public final class CaptureWriter implements CaptureSink, Closeable {
    private final Path folder;
    private final FileSystem fs;

    /** @throws UnsavedCaptureException if there is no such file system, or it cannot be reached */
    public CaptureWriter(Path folder, Configuration configuration) throws UnsavedCaptureException {
        this.folder = folder;
        try {
            // An instance of one's own: the checksum files are turned off for these captures, not for all of the
            // process.
            this.fs = FileSystem.newInstance(folder.toUri(), configuration);
        } catch (IOException e) {
            throw new UnsavedCaptureException(folder.toString(), e);
        }
        fs.setWriteChecksum(false);
    }

    /**
     * Looks whether a sample can be saved under its name, which may come from an untrusted corpus.
     *
     * @throws InvalidDataException if its file would lie outside of the folder, or be none that calibration finds there
     */
    public static void checkName(String name) {
        String odd = null;
        for (String part : name.split("/", -1)) {
            if (part.isEmpty() || part.startsWith(".") || part.startsWith("_")) {
                odd = "a part of its name is '" + DataProblem.shown(part) + "', empty, or beginning with . or _";
            }
        }
        if (name.chars().anyMatch(c -> c == ':' || c == '\\' || Character.isISOControl(c))) {
            odd = "its name holds a colon, a backslash or a control character";
        }
        if (odd != null) {
            throw new InvalidDataException(DataProblem.of(
                            "the sample cannot be saved as a file: " + odd,
                            "rename the corpus's file, or save no captures")
                    .inSample(Sample.named(name)));
        }
    }

    @Override
    public void save(SampleTensors sample) throws UnsavedCaptureException {
        checkName(sample.name());
        try {
            write(sample);
        } catch (IOException e) {
            throw new UnsavedCaptureException(folder.toString(), e);
        }
    }

    private void write(SampleTensors sample) throws IOException {
        Path target = new Path(folder, sample.file());
        Path temporary = new Path(target.getParent(), "._" + UUID.randomUUID());
        try {
            long length;
            try (OutputStream out = fs.create(temporary, false)) {
                length = sample.capture().writeTo(out);
            }
            if (!renamed(temporary, target)) {
                FileStatus there = fs.getFileStatus(target);
                if (!there.isFile() || there.getLen() != length) {
                    throw new IOException(target + " is there already, and is another file");
                }
            }
        } finally {
            fs.delete(temporary, false);
        }
    }

    private boolean renamed(Path from, Path to) throws IOException {
        try {
            return !fs.exists(to) && fs.rename(from, to);
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        fs.close();
    }
}
