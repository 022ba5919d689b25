package io.kvscale.text;

import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;

/** One record of a corpus. */
public sealed interface TextRecord {
    /** A text, or a prompt followed by its completion. */
    record Plain(String text, Strata strata) implements TextRecord {
        public Plain(String text) {
            this(text, Strata.NONE);
        }
    }

    /** Messages for the chat template, each with at least {@code role}; values are JSON values, which may be null. */
    record Chat(List<Map<String, Object>> messages, Strata strata) implements TextRecord {
        public Chat(List<Map<String, Object>> messages) {
            this(messages, Strata.NONE);
        }
    }

    /** The strata that the record names in the fields of {@link TextFields}. */
    Strata strata();

    /**
     * Reads a JSON object: its messages, else its text, else its prompt and completion. A null field counts as absent.
     *
     * @throws InvalidDataException if it is not such an object, or is empty; the caller adds the file and line
     */
    static TextRecord ofJson(String json, TextFields fields) {
        return new RecordReader(fields, false).read(json);
    }

    /**
     * Reads a row of a table, given as JSON with its nulls. Messages in a table share all columns, so a null in a message
     * counts as an absent field, except for {@code content}.
     *
     * @throws InvalidDataException as {@link #ofJson}
     */
    static TextRecord ofRow(String json, TextFields fields) {
        return new RecordReader(fields, true).read(json);
    }
}
