package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.safetensors.TensorEntry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The K and V tensors of a file, in the order of their bytes. For a table: those with a byte in the piece that is read.
 *
 * @param tensors one per slot and sample; a tensor that holds K and V appears twice
 * @param counted the file's own tensors that hold them, each once
 * @param foreign whether the file holds no K or V at all
 * @param masked whether a mask marks padding
 * @param unmatched number of tensors that are neither K, V nor mask
 * @param names some of their names
 */
record CaptureHeader(
        List<SlotTensor> tensors,
        List<Counted> counted,
        boolean foreign,
        boolean masked,
        long unmatched,
        List<String> names) {

    /** A tensor as the corpus counts it. */
    record Counted(String sample, TensorEntry entry) {}

    /** Reads and checks everything but the values. The file's first bytes say its format. */
    static CaptureHeader read(FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        long start = start(piece.file(), window);
        return CaptureFormats.ofStart(start).read(start, piece, window, rules);
    }

    /** The first 8 bytes as a number; 0 if there are fewer. */
    private static long start(InputFile file, BlockWindow window) throws IOException {
        if (file.length() < Long.BYTES) {
            return 0;
        }
        // The extension only decides how much to read at once. In Arrow files the metadata is not behind the first
        // bytes.
        boolean table = CaptureFormats.ofFile(file.name())
                .filter(format -> !format.fileNamesSample())
                .isPresent();
        long readEnd = table ? Long.BYTES : window.headerEnd(file.length());
        try {
            return window.view(0, Long.BYTES, file.length(), readEnd)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        } catch (EOFException e) {
            // The file was cut off after it was listed. The format's reader reports that.
            return 0;
        }
    }
}
