package io.kvscale.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads records from untrusted JSON. */
final class RecordReader {
    private static final int MAX_NESTING = 100;
    /** In characters; a chat template may use a part of it. */
    private static final int MAX_STRING = 16 << 20;
    /** Names, values and brackets of a record; each takes about a hundred bytes of heap. */
    private static final long MAX_TOKENS = 1_000_000;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            .maxStringLength(MAX_STRING)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final String A_LINE = "write each record as one JSON object on one line";
    private static final String MESSAGES =
            "write each message as an object such as {\"role\": \"user\", \"content\": \"…\"}; content is a string, null or"
                    + " a list of objects";

    private final TextFields fields;
    private final boolean tabular;

    /** @param tabular whether a null in a message stands for an absent field, as in rows of a table */
    RecordReader(TextFields fields, boolean tabular) {
        this.fields = fields;
        this.tabular = tabular;
    }

    TextRecord read(String json) {
        Map<String, Object> object = object(json);
        Strata strata = new Strata(
                stratum(object, fields.sampleBy(), "sample_by"),
                stratum(object, fields.statisticsBy(), "statistics_by"));
        Object messages = object.get(fields.messages());
        Object text = object.get(fields.text());
        Object prompt = object.get(fields.prompt());
        Object completion = object.get(fields.completion());
        if (messages != null) {
            return new TextRecord.Chat(messages(messages, fields.messages()), strata);
        } else if (text != null) {
            return plain(string(text, fields.text()), strata);
        } else if (prompt instanceof List) {
            List<Map<String, Object>> all = new ArrayList<>(messages(prompt, fields.prompt()));
            if (completion != null) {
                all.addAll(messages(completion, fields.completion()));
            }
            return new TextRecord.Chat(all, strata);
        } else if (prompt != null) {
            String rest = completion == null ? "" : string(completion, fields.completion());
            return plain(string(prompt, fields.prompt()) + rest, strata);
        }
        for (String name : List.of(fields.messages(), fields.text(), fields.prompt())) {
            if (object.containsKey(name)) {
                throw new InvalidDataException(
                        "the field " + name + " is null", "remove this record, or fill the field");
            }
        }
        throw new InvalidDataException(
                "the record has none of the fields " + fields.messages() + ", " + fields.text() + " and "
                        + fields.prompt(),
                "set the field names of your data in the recipe, such as kvscale: {fields: {text: content}}");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(String json) {
        @Nullable Object value;
        try {
            value = JSON.readValue(json, Object.class);
        } catch (StreamConstraintsException e) {
            throw new InvalidDataException("the record exceeds a limit: " + JsonProblem.what(e), "remove this record");
        } catch (MismatchedInputException e) {
            throw new InvalidDataException("expected one JSON object, found nothing or more than one" + at(e), A_LINE);
        } catch (JsonProcessingException e) {
            throw new InvalidDataException("not valid JSON: " + JsonProblem.what(e) + at(e), A_LINE);
        }
        if (value instanceof Map) {
            // Jackson reads the names of an object as strings.
            return (Map<String, Object>) value;
        }
        throw new InvalidDataException("the record is " + type(value) + ", not a JSON object", A_LINE);
    }

    private static String at(JsonProcessingException e) {
        JsonLocation at = e.getLocation();
        return at == null ? "" : " (character " + at.getColumnNr() + ")";
    }

    /** The value of a field of strata; empty if the recipe names none. */
    private static String stratum(Map<String, Object> object, String field, String key) {
        if (field.isEmpty()) {
            return "";
        }
        Object value = object.get(field);
        String what = "the field " + DataProblem.shown(field) + ", which " + key + " names, ";
        if (!(value instanceof String stratum)) {
            throw stratumError(
                    value != null
                            ? what + "is " + type(value) + ", not a string"
                            : object.containsKey(field) ? what + "is null" : what + "is missing");
        } else if (stratum.isEmpty() || stratum.length() > Strata.MAX_LENGTH) {
            throw stratumError(what + "is "
                    + (stratum.isEmpty()
                            ? "empty"
                            : "a text of " + stratum.length() + " characters, the maximum is " + Strata.MAX_LENGTH));
        }
        UnicodeText.check(stratum);
        return stratum;
    }

    private static InvalidDataException stratumError(String what) {
        return new InvalidDataException(
                what,
                "give each record a short string there, such as {\"language\": \"de\"}, or raise max_bad_records to"
                        + " skip records without one");
    }

    private static TextRecord plain(String text, Strata strata) {
        if (text.isEmpty()) {
            throw new InvalidDataException("the text is empty", "remove this record, or fill the field");
        }
        return new TextRecord.Plain(text, strata);
    }

    private static String string(Object value, String field) {
        if (value instanceof String text) {
            UnicodeText.check(text);
            return text;
        }
        throw new InvalidDataException(
                "the field " + field + " is " + type(value) + ", not a string",
                "set the name of the text field in the recipe: kvscale: {fields: …}");
    }

    private List<Map<String, Object>> messages(Object value, String field) {
        if (!(value instanceof List<?> list)) {
            throw new InvalidDataException(
                    "the field " + field + " is " + type(value) + ", not a list of messages", MESSAGES);
        } else if (list.isEmpty()) {
            throw new InvalidDataException("the field " + field + " is empty", "remove this record, or fill the field");
        }
        List<Map<String, Object>> messages = new ArrayList<>(list.size());
        for (Object message : list) {
            messages.add(message(message, field, messages.size() + 1));
        }
        return messages;
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> message(@Nullable Object value, String field, int number) {
        String which = "message " + number + " of " + field;
        if (!(value instanceof Map<?, ?> message)) {
            throw new InvalidDataException(which + " is " + type(value) + ", not an object", MESSAGES);
        } else if (!(message.get("role") instanceof String)) {
            throw new InvalidDataException(which + " has no role that is a string", MESSAGES);
        }
        Object content = message.get("content");
        boolean parts = content instanceof List<?> list && list.stream().allMatch(Map.class::isInstance);
        if (!(content == null || content instanceof String || parts)) {
            throw new InvalidDataException(which + ": content is " + type(content), MESSAGES);
        }
        UnicodeText.checkAll(message);
        if (tabular) {
            message.entrySet().removeIf(e -> e.getValue() == null && !"content".equals(e.getKey()));
            message.values().forEach(RecordReader::dropNulls);
        }
        return (Map<String, Object>) message;
    }

    private static void dropNulls(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            map.values().removeIf(Objects::isNull);
            map.values().forEach(RecordReader::dropNulls);
        } else if (value instanceof List<?> list) {
            list.forEach(RecordReader::dropNulls);
        }
    }

    private static String type(@Nullable Object value) {
        if (value == null) {
            return "null";
        } else if (value instanceof Map) {
            return "an object";
        } else if (value instanceof List) {
            return "a list";
        }
        return value instanceof Number ? "a number" : value instanceof Boolean ? "a boolean" : "a string";
    }
}
