package io.kvscale.job.corpus.read;

import io.kvscale.job.corpus.plan.ContentHash;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextFields;
import io.kvscale.text.TextRecord;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A record as its file or table holds it, before parsing.
 *
 * @param name the sample's name; empty for a row of a table
 * @param place the file and line, or the table and row, for messages
 * @param bytes the content; empty for a line or file above {@link #MAX_BYTES}
 */
record RawRecord(String name, String place, Kind kind, byte[] bytes) {
    /** Maximum size of a record in bytes, JSON escapes and other fields included. */
    static final int MAX_BYTES = 64 << 20;

    enum Kind {
        /** The content of a text file. */
        PLAIN,
        /** A JSON object, one line of a file. */
        JSON,
        /** A row of a table as a JSON object. */
        ROW,
        /** A row with a string that is not UTF-8. Spark does not check the strings of Parquet files. */
        NOT_UTF8,
        /** A record above {@link #MAX_BYTES}. */
        TOO_LONG
    }

    /** @throws InvalidDataException if the record cannot be parsed; the error does not name the place */
    TextRecord parse(TextFields fields) {
        return switch (kind) {
            case PLAIN -> plain(decode(), fields);
            case JSON -> TextRecord.ofJson(decode(), fields);
            case ROW -> TextRecord.ofRow(decode(), fields);
            case NOT_UTF8 -> throw new InvalidDataException(notUtf8());
            case TOO_LONG ->
                throw new InvalidDataException(DataProblem.of(
                        String.format(Locale.ROOT, "the text is larger than %d MB", MAX_BYTES >> 20),
                        "cut it into several texts, or raise max_bad_records to skip it"));
        };
    }

    /** Sort key that decides which bad record is the first. Rows of a table have no name and sort by content. */
    String order() {
        return name.isEmpty()
                ? ContentHash.of(0, new String(bytes, StandardCharsets.UTF_8)).toString()
                : name;
    }

    private static TextRecord plain(String text, TextFields fields) {
        String field = fields.sampleBy().isEmpty() ? fields.statisticsBy() : fields.sampleBy();
        if (!field.isEmpty()) {
            throw new InvalidDataException(
                    DataProblem.of(
                            "a plain text has no field " + DataProblem.shown(field) + ", which "
                                    + (fields.sampleBy().isEmpty() ? "statistics_by" : "sample_by") + " names",
                            "write the texts as lines of a .jsonl file with this field, or raise max_bad_records to skip them"));
        }
        int end = text.endsWith("\r\n") ? text.length() - 2 : text.endsWith("\n") ? text.length() - 1 : text.length();
        if (end == 0) {
            throw new InvalidDataException(
                    DataProblem.of("the text is empty", "remove the file, or raise max_bad_records to skip it"));
        }
        return new TextRecord.Plain(text.substring(0, end));
    }

    private String decode() {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidDataException(notUtf8(), e);
        }
    }

    private static DataProblem notUtf8() {
        return DataProblem.of("the text is not valid UTF-8", "save it as UTF-8, or raise max_bad_records to skip it");
    }
}
