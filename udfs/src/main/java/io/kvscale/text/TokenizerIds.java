package io.kvscale.text;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import java.io.IOException;
import java.nio.file.Path;

/** Finds the largest token id of a tokenizer.json: of its vocabulary, added tokens and post-processor. */
final class TokenizerIds {
    private int largest = -1;

    private TokenizerIds() {}

    static int largest(Path file, byte[] json) {
        TokenizerIds ids = new TokenizerIds();
        try (JsonParser parser = Json.LENIENT.createParser(json)) {
            ids.read(parser);
        } catch (JsonProcessingException e) {
            throw ModelJson.broken(file, "it is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw ModelJson.broken(file, "it cannot be read: " + e.getMessage());
        }
        if (ids.largest < 0) {
            throw ModelJson.broken(file, "it has no vocabulary");
        }
        return ids.largest;
    }

    /** Streams the file, which may have a million merges. */
    private void read(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return;
        }
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            JsonToken value = parser.nextToken();
            if (name.equals("model") && value == JsonToken.START_OBJECT) {
                model(parser);
            } else if (name.equals("added_tokens")) {
                JsonNode tokens = parser.readValueAsTree();
                tokens.forEach(token -> take(token.path("id")));
            } else if (name.equals("post_processor")) {
                postProcessor(parser.readValueAsTree());
            } else {
                parser.skipChildren();
            }
        }
    }

    private void model(JsonParser parser) throws IOException {
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            JsonToken value = parser.nextToken();
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    if (parser.nextToken() == JsonToken.VALUE_NUMBER_INT) {
                        largest = Math.max(largest, parser.getIntValue());
                    }
                    parser.skipChildren();
                }
            } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                // A unigram model: an id is an index into the list.
                int places = 0;
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    parser.skipChildren();
                    places++;
                }
                largest = Math.max(largest, places - 1);
            } else {
                parser.skipChildren();
            }
        }
    }

    /** Templates list token ids; BERT and RoBERTa have pairs of token and id; a sequence nests post-processors. */
    private void postProcessor(JsonNode processor) {
        processor.path("special_tokens").forEach(token -> token.path("ids").forEach(this::take));
        take(processor.path("sep").path(1));
        take(processor.path("cls").path(1));
        processor.path("processors").forEach(this::postProcessor);
    }

    private void take(JsonNode id) {
        largest = Math.max(largest, id.asInt(-1));
    }
}
