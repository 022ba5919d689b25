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

/** The rows of one task over files, made one by one. */
final class FileRows implements Iterator<byte[]> {
    private final NumberedPieces pieces;
    private final Configuration configuration;
    private final RetryPolicy retries;
    private final RecordTask task;
    private @Nullable FileTexts texts;
    private int begun;
    private byte @Nullable [] row;

    FileRows(NumberedPieces pieces, Configuration configuration, RetryPolicy retries, RecordTask task) {
        this.pieces = pieces;
        this.configuration = configuration;
        this.retries = retries;
        this.task = task;
    }

    @Override
    public boolean hasNext() {
        while (row == null && (texts != null || begun < pieces.pieces().size())) {
            FileTexts current = texts;
            if (current == null) {
                current = new FileTexts(pieces.pieces().get(begun), pieces.before()[begun], configuration);
                texts = current;
                begun++;
            }
            EncodedRow next = next(current, pieces.pieces().get(begun - 1));
            if (next == null || next instanceof EncodedRow.Failed) {
                close();
            }
            row = next == null ? null : next.toByteArray();
        }
        return row != null;
    }

    private @Nullable EncodedRow next(FileTexts current, FilePiece piece) {
        RawText raw;
        try {
            raw = current.next();
        } catch (IOException e) {
            return new EncodedRow.Failed(FileTexts.failed(piece.file(), e, retries));
        }
        return raw == null ? null : task.encode(raw, raw.name());
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

    /** Ends the file that is being read, and the rows with it unless {@link #hasNext} is asked again. */
    void close() {
        FileTexts current = texts;
        texts = null;
        try {
            if (current != null) {
                current.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
