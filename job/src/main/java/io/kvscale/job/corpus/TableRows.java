package io.kvscale.job.corpus;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/** The rows of one task over a table, made one by one. */
final class TableRows implements Iterator<byte[]> {
    private static final int SHOWN = 80;

    private final String table;
    private final Iterator<byte[]> json;
    private final RecordTask task;

    /** @param table what messages call it */
    TableRows(String table, Iterator<byte[]> json, RecordTask task) {
        this.table = table;
        this.json = json;
        this.task = task;
    }

    @Override
    public boolean hasNext() {
        return json.hasNext();
    }

    /** Rows have neither name nor order: messages show how one begins, and the first is told by all of it. */
    @Override
    public byte[] next() {
        byte[] utf8 = json.next();
        String text = new String(utf8, StandardCharsets.UTF_8);
        String begin = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        RawText raw = new RawText(
                "",
                table + ", row " + begin,
                utf8.length > RawText.MOST_BYTES ? new RawText.TooLong() : new RawText.Json(utf8));
        return task.encode(raw, ContentHash.of(0, text).toString()).toByteArray();
    }
}
