package io.kvscale.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads records that nobody vouches for: one JSON object each. */
final class RecordParser {
    private static final int MAX_DEPTH = 64;

    static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(TextRecord.MAX_BYTES)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final TextFields fields;

    RecordParser(TextFields fields) {
        this.fields = fields;
    }

    TextRecord parse(String json) {
        JsonNode record;
        try {
            record = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw problem(
                    "this is not JSON: " + DataProblem.shown(e.getOriginalMessage()), "write one JSON object a line");
        }
        if (!record.isObject()) {
            throw problem("a record is a JSON object, this is " + kind(record), "write one JSON object a line");
        }
        JsonNode messages = present(record, fields.messages());
        JsonNode text = present(record, fields.text());
        if (messages != null) {
            return chat(messages, fields.messages());
        }
        if (text != null) {
            return plain(string(text, fields.text()));
        }
        return completed(record);
    }

    private TextRecord completed(JsonNode record) {
        JsonNode prompt = present(record, fields.prompt());
        JsonNode completion = present(record, fields.completion());
        if (prompt == null) {
            throw problem(
                    "the record has none of the fields " + fields.messages() + ", " + fields.text() + " and "
                            + fields.prompt(),
                    "name the fields that hold text with fields under kvscale in the recipe");
        }
        if (prompt.isArray()) {
            TextRecord.Chat begun = chat(prompt, fields.prompt());
            if (completion == null) {
                return begun;
            }
            List<Map<String, Object>> all = new ArrayList<>(begun.messages());
            all.addAll(chat(completion, fields.completion()).messages());
            return new TextRecord.Chat(all);
        }
        return plain(
                string(prompt, fields.prompt()) + (completion == null ? "" : string(completion, fields.completion())));
    }

    /** A field that is there and not null. */
    private static @Nullable JsonNode present(JsonNode record, String field) {
        JsonNode value = record.get(field);
        return value == null || value.isNull() ? null : value;
    }

    static TextRecord.Plain plain(String text) {
        if (text.isEmpty()) {
            throw problem("the text is empty", "remove the record, or allow it with max_bad_records under kvscale");
        }
        checkUnicode(text);
        return new TextRecord.Plain(text);
    }

    private static String string(JsonNode value, String field) {
        if (!value.isTextual()) {
            throw problem(
                    "field '" + DataProblem.shown(field) + "' is " + kind(value) + ", expected text",
                    "name the fields that hold text with fields under kvscale in the recipe");
        }
        return value.textValue();
    }

    private static TextRecord.Chat chat(JsonNode value, String field) {
        if (!value.isArray() || value.isEmpty()) {
            throw problem(
                    "field '" + DataProblem.shown(field) + "' is " + (value.isArray() ? "an empty list" : kind(value))
                            + ", expected a list of messages",
                    "a message is an object with role and content");
        }
        List<Map<String, Object>> messages =
                JSON.convertValue(value, new TypeReference<List<Map<String, Object>>>() {});
        for (int i = 0; i < messages.size(); i++) {
            if (!(messages.get(i).get("role") instanceof String)) {
                throw problem(
                        "message " + (i + 1) + " in '" + DataProblem.shown(field) + "' has no role",
                        "a message is an object with role and content");
            }
        }
        return new TextRecord.Chat(messages);
    }

    /** Half of a character, which JSON can name, has no bytes in UTF-8: a tokenizer would see another text. */
    static void checkUnicode(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean paired = Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1));
            if (Character.isSurrogate(c) && !paired) {
                throw problem("the text holds half of a surrogate pair, which is no character", "mend the text");
            }
            i += paired ? 1 : 0;
        }
    }

    private static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case ARRAY -> "a list";
            case OBJECT -> "an object";
            case STRING -> "text";
            case NUMBER -> "a number";
            case BOOLEAN -> "true or false";
            case NULL -> "null";
            default -> "nothing";
        };
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
