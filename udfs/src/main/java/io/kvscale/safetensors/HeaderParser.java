package io.kvscale.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.Reader;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Reads a header's JSON token by token. Keeps the names and offsets of all tensors, and the wanted entries. */
final class HeaderParser {
    static final int MAX_NAME = 1_000;
    static final int MAX_NUMBER = 100;
    /** Metadata values longer than {@link #METADATA_LENGTH} are skipped, but Jackson buffers them first. */
    static final int MAX_STRING = 4_000_000;

    /** Bounds the memory for the keys. */
    private static final int MAX_METADATA = 100_000;

    private static final int METADATA_ENTRIES = 64;
    private static final int METADATA_LENGTH = 256;
    static final String REWRITE = "write the file again with a safetensors library";

    // Names differ from file to file: Jackson's tables of names would grow with every file that an executor reads.
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(4)
                    .maxNameLength(MAX_NAME)
                    .maxNumberLength(MAX_NUMBER)
                    .maxStringLength(MAX_STRING)
                    .build())
            .build();

    private final long dataStart;
    private final long dataLength;
    private final HeaderTensors tensors;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>();

    /** @param tensors gets every tensor in the order of the JSON */
    HeaderParser(long dataStart, long dataLength, HeaderTensors tensors) {
        this.dataStart = dataStart;
        this.dataLength = dataLength;
        this.tensors = tensors;
    }

    /**
     * Reads the whole header.
     *
     * @throws com.fasterxml.jackson.core.JsonProcessingException if it is not JSON
     */
    SafetensorsHeader parse(Reader text) throws IOException {
        try (JsonParser json = JSON.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw refusal("expected a header that begins with {, got " + got(json));
            }
            if (json.currentTokenLocation().getCharOffset() != 0) {
                throw refusal("expected a header that begins with {, got something before it");
            }
            EntryParser entries = new EntryParser(json, dataStart, dataLength);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                accept(name, names);
                if (name.equals("__metadata__")) {
                    metadata(json);
                } else {
                    tensors.add(entries.parse(name));
                }
            }
            if (json.nextToken() != null) {
                throw refusal("expected only spaces after the header's JSON, got " + got(json));
            }
        }
        return tensors.header(dataLength, Collections.unmodifiableMap(metadata));
    }

    private void metadata(JsonParser json) throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw refusal("expected __metadata__ to be an object, got " + got(json));
        }
        Set<String> keys = new HashSet<>();
        for (int count = 0; json.nextToken() == JsonToken.FIELD_NAME; count++) {
            if (count == MAX_METADATA) {
                throw refusal("expected at most " + MAX_METADATA + " entries in __metadata__, got more");
            }
            String key = json.currentName();
            accept(key, keys);
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw refusal(
                        "expected only strings in __metadata__, got " + got(json) + " for " + DataProblem.shown(key));
            }
            // getTextLength() loads the text into memory, so it is the last condition.
            if (metadata.size() < METADATA_ENTRIES
                    && key.length() <= METADATA_LENGTH
                    && json.getTextLength() <= METADATA_LENGTH) {
                metadata.put(key, json.getText());
            }
        }
    }

    private static void accept(String name, Set<String> seen) {
        if (!isUnicode(name)) {
            throw refusal("expected names in Unicode, got half of a surrogate pair in " + DataProblem.shown(name));
        }
        if (!seen.add(name)) {
            throw new InvalidDataException(DataProblem.of("expected each name once, got this one twice", REWRITE)
                    .inTensor(name));
        }
    }

    /** Whether readers accept this name. */
    static boolean isName(String name) {
        return name.length() <= MAX_NAME && isUnicode(name);
    }

    private static boolean isUnicode(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isSurrogate(name.charAt(i))) {
                int point = name.codePointAt(i);
                if (!Character.isSupplementaryCodePoint(point)) {
                    return false;
                }
                i++;
            }
        }
        return true;
    }

    /** The current token, for messages. */
    static String got(JsonParser json) throws IOException {
        JsonToken token = json.currentToken();
        if (token == null) {
            return "nothing";
        }
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> "the string \"" + DataProblem.shown(json.getText()) + "\"";
            default -> DataProblem.shown(json.getText());
        };
    }

    private static InvalidDataException refusal(String what) {
        return new InvalidDataException(what, REWRITE);
    }
}
