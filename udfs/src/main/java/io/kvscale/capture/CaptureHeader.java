package io.kvscale.capture;

import io.kvscale.arrow.ArrowTable;
import io.kvscale.capture.layout.SampleNames;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What a file says of K and V: every tensor of a slot, in the order of their bytes; of a table, those with a byte in the
 * piece that is read.
 *
 * @param tensors one a slot and sample; two where K and V share a tensor
 * @param counted the tensors of the file behind them
 * @param foreign whether the file holds no tensor of a slot at all
 * @param masked whether a mask told padding from tokens
 * @param unmatched how many tensors are neither K, V nor mask, with some of their names
 */
public record CaptureHeader(
        List<SlotTensor> tensors,
        List<Counted> counted,
        boolean foreign,
        boolean masked,
        long unmatched,
        List<String> names) {

    /** PAR1, with which no capture begins: as the length of a header it would be too large. */
    private static final int PARQUET = 0x31524150;

    /** A tensor as the corpus counts it. */
    record Counted(String sample, TensorEntry entry) {}

    /** Reads and checks what stands before and around the values: which kind of file it is, the file's first bytes say. */
    public static CaptureHeader read(FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        InputFile file = piece.file();
        long start = start(file, window);
        if ((int) start == PARQUET) {
            throw new InvalidDataException(DataProblem.of(
                    "this is a Parquet file, not a capture",
                    "read it as a table: calibrate --input-format parquet, or spark.read.parquet"));
        }
        if (ArrowTable.isArrow(start)) {
            return ArrowCapture.read(start, piece, window, rules);
        }
        return SafetensorsCapture.read(file, window, rules);
    }

    /** The first bytes as a number; 0, which no table begins with, where there are too few. */
    private static long start(InputFile file, BlockWindow window) throws IOException {
        if (file.length() < ArrowTable.MAGIC_BYTES) {
            return 0;
        }
        // The name only tells how much to read at once: of safetensors, a whole block with the header.
        long readEnd = SampleNames.isTable(file) ? ArrowTable.MAGIC_BYTES : window.headerEnd(file.length());
        try {
            return window.view(0, ArrowTable.MAGIC_BYTES, file.length(), readEnd)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        } catch (EOFException e) {
            // Cut off since it was listed: the reader of the header has the words for it.
            return 0;
        }
    }
}
