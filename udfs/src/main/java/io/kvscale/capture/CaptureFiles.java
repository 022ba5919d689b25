package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.Blocks;
import io.kvscale.input.ByteSource;
import io.kvscale.input.FileOpener;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.tensor.InvalidDataException;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** Opens captures one after another and reads their values: one instance per task, not thread-safe. */
public final class CaptureFiles implements Closeable {
    private final CaptureRules rules;
    private final FileOpener opener;
    private final boolean sparing;
    private final Blocks blocks = new Blocks();
    private @Nullable Opened opened;
    private long readBytes;
    private long readNanos;

    private record Opened(InputFile file, ByteSource source, BlockWindow window) {}

    /** @param sparing whether most values are not wanted: headers are then read in small steps */
    public CaptureFiles(CaptureOptions options, Configuration configuration, boolean sparing) {
        this.rules = new CaptureRules(options);
        this.opener = new FileOpener(configuration);
        this.sparing = sparing;
    }

    /**
     * Closes the file that is open and opens that of a piece.
     *
     * @return the file's tensors in the order of their bytes; for a table, those with a byte in the piece
     * @throws InvalidDataException if the file cannot be read or is not a valid capture; it names file and sample
     */
    public List<SlotTensor> open(FilePiece piece) {
        return header(piece).tensors();
    }

    CaptureHeader header(FilePiece piece) {
        close();
        InputFile file = piece.file();
        try {
            ByteSource source = opener.open(file);
            Opened next = new Opened(file, source, new BlockWindow(source, blocks.blockFor(source), sparing));
            opened = next;
            return CaptureHeader.read(piece, next.window, rules);
        } catch (InvalidDataException e) {
            // A file that was replaced since the listing looks damaged.
            checkUnchanged();
            throw FileProblem.of(file, e);
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    /**
     * Reads the values {@code [from, to)} of a tensor of the open file, in chunks.
     *
     * @param readEnd the byte of the file at which reading ahead stops
     * @throws InvalidDataException if the file cannot be read
     */
    public void read(SlotTensor tensor, long from, long to, long readEnd, TensorValues.Chunks chunks) {
        Opened current = opened;
        if (current == null) {
            throw new IllegalStateException("no capture is open");
        }
        try {
            tensor.read(current.window, from, to, readEnd, chunks);
        } catch (IOException e) {
            throw failed(current.file, e);
        }
    }

    /** The error of a failed read: that the file changed, if it did. It may be shorter, or a store refuses to read it. */
    private InvalidDataException failed(InputFile file, IOException failure) {
        Opened current = opened;
        try {
            if (current != null) {
                file.checkUnchanged(current.source.version());
            }
        } catch (UnusableFileException changed) {
            return FileProblem.of(file, changed);
        } catch (IOException e) {
            // The first failure says more.
        }
        return FileProblem.of(file, failure);
    }

    /**
     * Closes the open file after its last value was read.
     *
     * @throws InvalidDataException if the file is not the one that was listed: values of two contents may be mixed
     */
    public void finish() {
        if (opened != null && !opened.source.isBound()) {
            checkUnchanged();
        }
        close();
    }

    private void checkUnchanged() {
        Opened current = opened;
        if (current != null) {
            try {
                current.file.checkUnchanged(current.source.version());
            } catch (IOException e) {
                throw FileProblem.of(current.file, e);
            }
        }
    }

    /** Bytes read from all files so far, headers and gaps included. */
    public long readBytes() {
        return readBytes + (opened == null ? 0 : opened.window.readBytes());
    }

    /** Nanoseconds that these reads took. */
    public long readNanos() {
        return readNanos + (opened == null ? 0 : opened.window.readNanos());
    }

    @Override
    public void close() {
        Opened last = opened;
        if (last == null) {
            return;
        }
        readBytes = readBytes();
        readNanos = readNanos();
        opened = null;
        try {
            last.source.close();
        } catch (IOException e) {
            throw FileProblem.of(last.file, e);
        }
    }
}
