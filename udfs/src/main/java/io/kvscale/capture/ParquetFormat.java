package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.tensor.InvalidDataException;

/** Parquet, which Spark reads as one table; a single file is refused. */
final class ParquetFormat extends CaptureFormat {
    /** PAR1, the first four bytes of a file. */
    private static final int MAGIC = 0x31524150;

    ParquetFormat() {
        super("parquet", ".parquet");
    }

    @Override
    public boolean isSparkTable() {
        return true;
    }

    @Override
    boolean recognizes(long start) {
        return (int) start == MAGIC;
    }

    @Override
    CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) {
        throw new InvalidDataException(
                "this is a Parquet file, not a capture",
                "read it as a table: calibrate --input-format parquet, or spark.read.parquet");
    }
}
