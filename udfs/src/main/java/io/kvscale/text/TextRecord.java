package io.kvscale.text;

import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;

/** One record of a corpus. */
public sealed interface TextRecord {
    /** A text as it is; a prompt with its completion behind it. */
    record Plain(String text) implements TextRecord {}

    /** Messages for the chat template, each at least with {@code role}; values are those of JSON, null among them. */
    record Chat(List<Map<String, Object>> messages) implements TextRecord {}

    /**
     * The record in a JSON object: messages, else text, else prompt and completion. A field that is null counts as not
     * there.
     *
     * @throws InvalidDataException if it is not such an object, or empty; without a place, which the caller knows
     */
    static TextRecord ofJson(String json, TextFields fields) {
        return new RecordReader(fields, false).read(json);
    }

    /**
     * The record in a row of a table, as JSON with all its nulls. Every message of a table has all columns: but for
     * {@code content}, a null there says that the message has no such field.
     *
     * @throws InvalidDataException as {@link #ofJson}
     */
    static TextRecord ofRow(String json, TextFields fields) {
        return new RecordReader(fields, true).read(json);
    }
}
