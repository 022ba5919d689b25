package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.Blocks;
import io.kvscale.input.FilePiece;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.CorpusCount;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongConsumer;
import org.apache.hadoop.conf.Configuration;

/**
 * Reads pieces of captures in chunks, never a whole tensor: one instance per task, not thread-safe.
 *
 * <p>All pieces of a file together give every value exactly once, and count the file and each of its tensors once,
 * wherever the file is cut.
 */
public final class CaptureReader {
    private final CaptureFiles files;
    private final LongConsumer progress;
    private final Depth depth;
    private final CorpusCount corpus = new CorpusCount();
    private long maskedFiles;
    private long unmatchedTensors;
    private long foreignFiles;
    private List<String> unmatchedNames = List.of();

    /** Receives values; a chunk is valid until the call returns. */
    public interface Sink {
        void chunk(Slot slot, Position position, ByteBuffer values);
    }

    /** Which part of the files to read. */
    public enum Depth {
        /** Headers and masks only: the sink gets one empty chunk per tensor, at its first value. */
        HEADERS,
        VALUES
    }

    /** @param progress gets the number of bytes of values after each chunk */
    public CaptureReader(CaptureOptions options, Configuration configuration, Depth depth, LongConsumer progress) {
        this.files = new CaptureFiles(options, configuration, false);
        this.depth = depth;
        this.progress = progress;
    }

    /**
     * Reads one piece.
     *
     * @throws InvalidDataException if the file is not a valid capture; it names file, sample and tensor
     */
    public void read(FilePiece piece, Sink sink) {
        try (files) {
            read(piece, files.header(piece), sink);
            files.finish();
        } catch (InvalidDataException e) {
            throw FileProblem.of(piece.file(), e);
        }
    }

    private void read(FilePiece piece, CaptureHeader header, Sink sink) {
        count(header, piece);
        List<SlotTensor> tensors = header.tensors();
        if (depth == Depth.HEADERS) {
            tensors.stream()
                    .filter(t -> piece.holds(t.begin()))
                    .forEach(t -> sink.chunk(t.slot(), new Position(t.source(), 0), ByteBuffer.allocate(0)));
            return;
        }
        long[] readEnd = readEnds(piece, tensors);
        for (int i = 0; i < tensors.size(); i++) {
            SlotTensor tensor = tensors.get(i);
            long from = tensor.elementAt(piece.start());
            long to = tensor.elementAt(piece.end());
            files.read(tensor, from, to, readEnd[i], (element, values) -> {
                int bytes = values.remaining();
                sink.chunk(tensor.slot(), new Position(tensor.source(), element), values);
                progress.accept(bytes);
            });
        }
    }

    /** The file positions at which reading ahead from each tensor stops, see {@link BlockWindow#readEnds}. */
    private static long[] readEnds(FilePiece piece, List<SlotTensor> tensors) {
        long[] begins = new long[tensors.size()];
        long[] ends = new long[tensors.size()];
        for (int i = 0; i < ends.length; i++) {
            SlotTensor tensor = tensors.get(i);
            ends[i] = tensor.byteOf(tensor.elementAt(piece.end()));
            begins[i] = tensor.elementAt(piece.end()) > 0 ? tensor.begin() : Long.MAX_VALUE;
        }
        return BlockWindow.readEnds(begins, ends, BlockWindow.GAP);
    }

    /** Counts a tensor in the piece that holds its first byte, the file in its first piece. */
    private void count(CaptureHeader header, FilePiece piece) {
        for (CaptureHeader.Counted tensor : header.counted()) {
            TensorEntry entry = tensor.entry();
            if (piece.holds(entry.begin())) {
                corpus.tensor(tensor.sample(), entry.name(), entry.dtype(), entry.shape());
            }
        }
        if (piece.start() > 0) {
            return;
        }
        unmatchedTensors += header.unmatched();
        if (unmatchedNames.isEmpty()) {
            unmatchedNames = header.names();
        }
        if (header.foreign()) {
            foreignFiles++;
            return;
        }
        corpus.file();
        maskedFiles += header.masked() ? 1 : 0;
    }

    /** Maximum bytes of a chunk. */
    public static int blockBytes() {
        return Blocks.BYTES;
    }

    /** The files and tensors counted so far. */
    public Corpus corpus() {
        return corpus.total();
    }

    /** Bytes read from files so far, headers and gaps included. */
    public long readBytes() {
        return files.readBytes();
    }

    /** Nanoseconds that reading them took. */
    public long readNanos() {
        return files.readNanos();
    }

    /** Number of files in which a mask marks padding. */
    public long maskedFiles() {
        return maskedFiles;
    }

    /** Number of files without any K or V. */
    public long foreignFiles() {
        return foreignFiles;
    }

    /** Number of tensors that are neither K, V nor mask. */
    public long unmatchedTensors() {
        return unmatchedTensors;
    }

    /** Names of some tensors that are neither K, V nor mask. */
    public List<String> unmatchedNames() {
        return unmatchedNames;
    }
}
