package io.kvscale.job.corpus.read;

import io.kvscale.input.FilePiece;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.spark.RetryPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** Reads and encodes the records of one split, one row at a time. */
final class TextSplitReader implements Iterator<byte[]> {
    private final TextSplit split;
    private final Configuration configuration;
    private final RetryPolicy retries;
    private final RecordEncoder encoder;
    private @Nullable FilePieceReader reader;
    private int begun;
    private byte @Nullable [] row;

    TextSplitReader(TextSplit split, Configuration configuration, RetryPolicy retries, RecordEncoder encoder) {
        this.split = split;
        this.configuration = configuration;
        this.retries = retries;
        this.encoder = encoder;
    }

    @Override
    public boolean hasNext() {
        while (row == null && (reader != null || begun < split.pieces().size())) {
            FilePieceReader current = reader;
            if (current == null) {
                current = new FilePieceReader(split.pieces().get(begun), split.linesBefore()[begun], configuration);
                reader = current;
                begun++;
            }
            EncodedRow next = next(current, split.pieces().get(begun - 1));
            if (next == null || next instanceof EncodedRow.Failed) {
                close();
            }
            row = next == null ? null : next.toByteArray();
        }
        return row != null;
    }

    private @Nullable EncodedRow next(FilePieceReader current, FilePiece piece) {
        RawRecord raw;
        try {
            raw = current.next();
        } catch (IOException e) {
            return new EncodedRow.Failed(FilePieceReader.failed(piece.file(), e, retries));
        }
        return raw == null ? null : encoder.encode(raw);
    }

    @Override
    public byte[] next() {
        byte[] next = hasNext() ? row : null;
        if (next == null) {
            throw new NoSuchElementException();
        }
        row = null;
        return next;
    }

    /** Closes the file that is being read. */
    void close() {
        FilePieceReader current = reader;
        reader = null;
        try {
            if (current != null) {
                current.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
