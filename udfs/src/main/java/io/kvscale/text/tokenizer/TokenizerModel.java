package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.IntConsumer;

/** Checks the model of a tokenizer, its vocabulary and its merges. Streams them: a file may have a million merges. */
final class TokenizerModel {
    private static final int MAX_TOKEN = 1 << 16;
    /** In bytes: the tokenizer tries every piece at every place. Pieces of SentencePiece have at most 16 characters. */
    private static final int MAX_PIECE = 256;

    private static final double MAX_SCORE = 1e100;
    /** The time for a word is the third power of its length. */
    private static final int MAX_WORD = 200;

    private final JsonParser in;
    private final JsonGenerator out;
    private final IntConsumer ids;
    private final ObjectNode fields = JsonNodeFactory.instance.objectNode();
    private int pieces = -1;
    private int longestPiece;
    private boolean object;
    private boolean merges;

    private TokenizerModel(JsonParser in, JsonGenerator out, IntConsumer ids) {
        this.in = in;
        this.out = out;
        this.ids = ids;
    }

    /**
     * @param in at the start of the model's object
     * @param out gets the checked fields
     * @param ids gets every token id
     */
    static void check(JsonParser in, JsonGenerator out, IntConsumer ids) throws IOException {
        new TokenizerModel(in, out, ids).check();
    }

    private void check() throws IOException {
        out.writeStartObject();
        for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
            JsonToken value = in.nextToken();
            boolean vocabulary = name.equals("vocab") && value.isStructStart();
            if ((vocabulary || name.equals("merges")) && seen(name)) {
                throw Part.invalid("its model has " + name + " twice");
            } else if (vocabulary) {
                out.writeFieldName(name);
                if (value == JsonToken.START_OBJECT) {
                    tokens();
                } else {
                    pieces();
                }
            } else if (name.equals("merges") && value == JsonToken.START_ARRAY) {
                out.writeFieldName(name);
                merges();
            } else if (value.isScalarValue()) {
                fields.set(name, in.readValueAsTree());
            } else {
                in.skipChildren();
            }
        }
        if (!object && pieces < 0) {
            throw Part.invalid("it has no vocabulary");
        }
        ObjectNode checked = kind();
        for (var field : checked.properties()) {
            out.writeFieldName(field.getKey());
            out.writeTree(field.getValue());
        }
        out.writeEndObject();
    }

    private boolean seen(String name) {
        return name.equals("merges") ? merges : object || pieces >= 0;
    }

    private void tokens() throws IOException {
        object = true;
        out.writeStartObject();
        for (String token = in.nextFieldName(); token != null; token = in.nextFieldName()) {
            if (token.length() > MAX_TOKEN) {
                throw Part.invalid(
                        "its vocabulary has a token of " + token.length() + " characters, at most " + MAX_TOKEN);
            }
            if (in.nextToken() != JsonToken.VALUE_NUMBER_INT
                    || in.getBigIntegerValue().bitLength() > 31
                    || in.getBigIntegerValue().signum() < 0) {
                throw Part.invalid("its vocabulary has an id that is not a number from 0 to 2^31 - 1");
            }
            ids.accept(in.getIntValue());
            out.writeNumberField(token, in.getIntValue());
        }
        out.writeEndObject();
    }

    /** A list of pairs of piece and score; an id is an index into the list. */
    private void pieces() throws IOException {
        pieces = 0;
        out.writeStartArray();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            boolean pair = in.currentToken() == JsonToken.START_ARRAY && in.nextToken() == JsonToken.VALUE_STRING;
            String piece = pair ? in.getText() : "";
            if (!pair || !in.nextToken().isNumeric() || !(Math.abs(in.getDoubleValue()) <= MAX_SCORE)) {
                throw Part.invalid("its vocabulary has an entry " + pieces + " that is not a piece and a score");
            }
            longestPiece = Math.max(longestPiece, piece.getBytes(StandardCharsets.UTF_8).length);
            out.writeStartArray();
            out.writeString(piece);
            out.writeNumber(in.getText()); // the same digits, so that the tokenizer reads the same score
            out.writeEndArray();
            if (in.nextToken() != JsonToken.END_ARRAY) {
                throw Part.invalid("its vocabulary has an entry " + pieces + " that is not a pair");
            }
            ids.accept(pieces++);
        }
        out.writeEndArray();
    }

    private void merges() throws IOException {
        merges = true;
        out.writeStartArray();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            boolean pair = in.currentToken() == JsonToken.START_ARRAY;
            if (pair) {
                out.writeStartArray();
                for (int i = 0; i < 2; i++) {
                    in.nextToken();
                    merge();
                }
                pair = in.nextToken() == JsonToken.END_ARRAY;
                out.writeEndArray();
                if (!pair) {
                    throw Part.invalid("its merges have an entry that is not a pair of tokens");
                }
            } else {
                merge();
            }
        }
        out.writeEndArray();
    }

    private void merge() throws IOException {
        if (in.currentToken() != JsonToken.VALUE_STRING) {
            throw Part.invalid("its merges have an entry that is not a pair of tokens");
        }
        out.writeString(in.getText());
    }

    /** Files before 2021 have no type. */
    private ObjectNode kind() {
        String type = fields.path("type").asText("");
        if (type.isEmpty()) {
            type = merges
                    ? "BPE"
                    : pieces >= 0 ? "Unigram" : fields.has("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
            fields.put("type", type);
        }
        Part part = Part.of(fields, "model");
        part.type();
        switch (type) {
            case "BPE" -> bpe(part);
            case "Unigram" -> unigram(part);
            case "WordPiece" -> {
                part.string("continuing_subword_prefix", 16);
                part.string("unk_token", Part.MAX_STRING);
                part.number("max_input_chars_per_word", MAX_WORD);
            }
            case "WordLevel" -> part.string("unk_token", Part.MAX_STRING);
            default -> throw part.bad("kvscale does not know this type of model");
        }
        if (object == type.equals("Unigram") || merges != type.equals("BPE")) {
            throw part.bad("its vocabulary or merges are those of another type, or missing");
        }
        return part.copy();
    }

    private void bpe(Part part) {
        if (fields.path("dropout").asDouble(0) != 0) {
            throw part.bad("dropout makes the token ids random; set it to null");
        }
        if (!fields.path("continuing_subword_prefix").asText("").isEmpty()
                && !fields.path("continuing_subword_prefix").isNull()) {
            throw part.bad("kvscale does not support continuing_subword_prefix in BPE");
        }
        for (String field : List.of("unk_token", "end_of_word_suffix")) {
            if (part.has(field)) {
                part.string(field, Part.MAX_STRING);
            }
        }
        for (String field : List.of("fuse_unk", "byte_fallback", "ignore_merges")) {
            part.flagIfPresent(field);
        }
    }

    private void unigram(Part part) {
        if (part.has("unk_id")) {
            part.number("unk_id", pieces - 1);
        }
        part.flagIfPresent("byte_fallback");
        if (longestPiece > MAX_PIECE) {
            throw part.bad("its vocabulary has a piece of " + longestPiece + " bytes, at most " + MAX_PIECE);
        }
    }
}
