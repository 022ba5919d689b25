package io.kvscale.job.corpus.read;

import io.kvscale.job.corpus.plan.ContentHash;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/** The rows of one task over a table, made one by one. */
final class TextRowEncoder implements Iterator<byte[]> {
    private static final int SHOWN = 80;

    private final String table;
    private final Iterator<TextTableRow> rows;
    private final RecordTask task;

    /** @param table what messages call it */
    TextRowEncoder(String table, Iterator<TextTableRow> rows, RecordTask task) {
        this.table = table;
        this.rows = rows;
        this.task = task;
    }

    @Override
    public boolean hasNext() {
        return rows.hasNext();
    }

    /** Rows have neither name nor order: messages show how one begins, and the first is told by all of it. */
    @Override
    public byte[] next() {
        TextTableRow row = rows.next();
        byte[] utf8 = row.json();
        String text = new String(utf8, StandardCharsets.UTF_8);
        String begin = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        RawText raw = new RawText("", table + ", row " + begin, content(row));
        return task.encode(raw, ContentHash.of(0, text).toString()).toByteArray();
    }

    private static RawText.Content content(TextTableRow row) {
        if (row.json().length > RawText.MAX_BYTES) {
            return new RawText.TooLong();
        }
        return row.isUtf8() ? new RawText.Row(row.json()) : new RawText.NotUtf8();
    }
}
