package io.kvscale.capture;

import io.kvscale.arrow.ArrowTable;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import java.io.IOException;

/** Arrow IPC, file or stream: a table with one tensor a row. */
final class ArrowFormat extends CaptureFormat {
    ArrowFormat() {
        super("arrow", ".arrow", ".arrows");
    }

    @Override
    boolean recognizes(long start) {
        return ArrowTable.isArrow(start);
    }

    @Override
    CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        return ArrowCapture.read(start, piece, window, rules);
    }
}
