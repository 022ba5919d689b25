package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Saves each sample as a capture file {@code <name>.safetensors} in a folder of any Hadoop file system.
 *
 * <p>A file is written under a hidden name and renamed, so that it appears whole or not at all. An existing file is kept:
 * retried and speculative tasks compute the same content.
 */
public final class CaptureWriter implements CaptureSink, Closeable {
    private final Path folder;
    private final FileSystem fs;

    /**
     * @param folder that exists
     * @throws UnsavedCaptureException if the file system does not exist or cannot be reached
     */
    public CaptureWriter(Path folder, Configuration configuration) throws UnsavedCaptureException {
        this.folder = folder;
        try {
            // A private FileSystem instance: checksum files are turned off for these captures only.
            this.fs = FileSystem.newInstance(folder.toUri(), configuration);
        } catch (IOException e) {
            throw new UnsavedCaptureException(folder.toString(), e);
        }
        fs.setWriteChecksum(false);
    }

    /**
     * Checks the name of a sample, which may come from an untrusted corpus.
     *
     * @throws InvalidDataException if its file would lie outside the folder, or calibration would not find it there
     */
    public static void checkName(String name) {
        String reason = null;
        for (String part : name.split("/", -1)) {
            if (part.isEmpty() || part.startsWith(".") || part.startsWith("_")) {
                reason = "the part '" + DataProblem.shown(part) + "' of its name is empty or begins with . or _";
            }
        }
        if (name.chars().anyMatch(c -> c == ':' || c == '\\' || Character.isISOControl(c))) {
            reason = "its name contains a colon, a backslash or a control character";
        }
        if (reason != null) {
            throw new InvalidDataException(DataProblem.of(
                            "the sample cannot be saved as a file: " + reason,
                            "rename the text file or the record, or remove --save-captures")
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
        } catch (FSError e) {
            throw new UnsavedCaptureException(folder.toString(), e);
        }
    }

    private void write(SampleTensors sample) throws IOException {
        Path target = new Path(folder, sample.file());
        // Making a file would make its folder again, which the driver removed when the run failed.
        if (!fs.exists(folder)) {
            throw new FileNotFoundException(folder + " is gone: the run of this task has ended");
        }
        Path temporary = new Path(target.getParent(), "._" + UUID.randomUUID());
        try {
            long length;
            try (OutputStream out = fs.create(temporary, false)) {
                length = sample.capture().writeTo(out);
            }
            if (!renamed(temporary, target)) {
                FileStatus there = fs.getFileStatus(target);
                if (!there.isFile() || there.getLen() != length) {
                    throw new IOException(target + " already exists with other content");
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
