package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;

/**
 * One part of a tokenizer.json: an object with a type and fields. Every field that is read is also copied, so that the
 * native tokenizer gets what was checked and nothing else.
 */
final class Part {
    /** Longer than any string of a published tokenizer's parts, character maps and regular expressions excepted. */
    static final int MAX_STRING = 1_000;

    private static final int MAX_PARTS = 64;
    private static final int MAX_DEPTH = 8;

    private final JsonNode json;
    private final String place;
    private final int depth;
    private final ObjectNode copy = JsonNodeFactory.instance.objectNode();

    private Part(JsonNode json, String place, int depth) {
        this.json = json;
        this.place = place;
        this.depth = depth;
    }

    static Part of(JsonNode json, String place) {
        return new Part(json, place, 0);
    }

    static InvalidDataException invalid(String why) {
        return new InvalidDataException(
                "the model's tokenizer.json is invalid: " + why,
                "download the file again from the model's source; report it to kvscale if the file is the publisher's");
    }

    InvalidDataException bad(String why) {
        String type = json.path("type").asText("");
        return invalid(place + (type.isEmpty() ? "" : " (" + DataProblem.shown(type) + ")") + ": " + why);
    }

    /** The type, which is copied. */
    String type() {
        String type = json.path("type").asText("");
        copy.put("type", type);
        return type;
    }

    ObjectNode copy() {
        return copy;
    }

    boolean has(String field) {
        return !json.path(field).isMissingNode() && !json.path(field).isNull();
    }

    boolean flag(String field) {
        JsonNode value = json.path(field);
        if (!value.isBoolean()) {
            throw bad(field + " is not true or false");
        }
        copy.set(field, value);
        return value.booleanValue();
    }

    void flagIfPresent(String field) {
        if (has(field)) {
            flag(field);
        }
    }

    String string(String field, int longest) {
        JsonNode value = json.path(field);
        if (!value.isTextual()) {
            throw bad(field + " is not a string");
        }
        if (value.textValue().length() > longest) {
            throw bad(field + " has " + value.textValue().length() + " characters, at most " + longest);
        }
        copy.set(field, value);
        return value.textValue();
    }

    String oneOf(String field, List<String> words) {
        String word = string(field, MAX_STRING);
        if (!words.contains(word)) {
            throw bad(field + " is \"" + DataProblem.shown(word) + "\", expected one of " + String.join(", ", words));
        }
        return word;
    }

    /** One character of any plane. */
    String character(String field) {
        String value = string(field, MAX_STRING);
        if (value.codePointCount(0, value.length()) != 1) {
            throw bad(field + " is not one character");
        }
        return value;
    }

    /** A whole number from 0. */
    void number(String field, int largest) {
        JsonNode value = json.path(field);
        if (!value.isInt() || value.intValue() < 0 || value.intValue() > largest) {
            throw bad(field + " is not a number from 0 to " + largest);
        }
        copy.set(field, value);
    }

    /** Whether a pattern is a regular expression, not a string. */
    boolean isRegex(String field) {
        JsonNode pattern = json.path(field);
        if (pattern.size() == 1 && pattern.path("String").isTextual()) {
            return false;
        } else if (pattern.size() == 1 && pattern.path("Regex").isTextual()) {
            return true;
        }
        throw bad(field + " is neither a String nor a Regex");
    }

    String pattern(String field, int longest) {
        String kind = isRegex(field) ? "Regex" : "String";
        String value = json.path(field).path(kind).textValue();
        if (value.length() > longest) {
            throw bad(field + " has " + value.length() + " characters, at most " + longest);
        }
        copy.putObject(field).put(kind, value);
        return value;
    }

    /** The parts of a sequence. */
    List<Part> parts(String field) {
        JsonNode list = json.path(field);
        if (!list.isArray() || list.size() > MAX_PARTS || depth == MAX_DEPTH) {
            throw bad(
                    field + " is not a list of at most " + MAX_PARTS + " parts, nested at most " + MAX_DEPTH + " deep");
        }
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            parts.add(new Part(list.get(i), place + " " + (i + 1), depth + 1));
        }
        return parts;
    }

    JsonNode json() {
        return json;
    }
}
