package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/**
 * A tokenizer.json that the native tokenizer can read and run without an abort of the JVM, without a hang, and in bounded
 * memory. It is written anew from the parts that were checked. Decoder, padding and truncation are left out: they do not
 * change token ids here.
 *
 * @param json for the native tokenizer
 * @param largestId the largest token id of the vocabulary, the added tokens and the post-processor
 * @param limits the texts that it takes
 */
public record CheckedTokenizer(byte[] json, int largestId, TextLimits limits) {

    /**
     * Checks a tokenizer.json.
     *
     * @throws LinkageError if the native library cannot be loaded
     * @throws InvalidDataException naming the part that is invalid or not known, such as {@code normalizer 2 (Replace)}
     */
    public static CheckedTokenizer of(byte[] file) {
        try {
            return new Reader().read(file);
        } catch (IOException e) {
            throw Part.invalid("it is not JSON: " + JsonProblem.whatAndWhere(e));
        }
    }

    private static final class Reader {
        private final ObjectNode parts = JsonNodeFactory.instance.objectNode();
        private final ByteArrayOutputStream model = new ByteArrayOutputStream();
        private int largest = -1;

        CheckedTokenizer read(byte[] file) throws IOException {
            try (JsonParser in = Json.LENIENT.createParser(file)) {
                if (in.nextToken() != JsonToken.START_OBJECT) {
                    throw Part.invalid("it is not a JSON object");
                }
                for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
                    JsonToken value = in.nextToken();
                    switch (name) {
                        case "model" -> model(in, value);
                        case "normalizer", "pre_tokenizer", "post_processor", "added_tokens" ->
                            parts.set(name, in.readValueAsTree());
                        default -> in.skipChildren();
                    }
                }
                if (in.currentToken() != JsonToken.END_OBJECT || in.nextToken() != null) {
                    throw Part.invalid("it is cut short, or has text behind its end");
                }
            }
            if (model.size() == 0) {
                throw Part.invalid("it has no vocabulary");
            }
            return checked();
        }

        private void model(JsonParser in, JsonToken value) throws IOException {
            if (model.size() > 0 || value != JsonToken.START_OBJECT) {
                throw Part.invalid("it has two models, or one that is not an object");
            }
            try (JsonGenerator out = Json.LENIENT.createGenerator(model)) {
                TokenizerModel.check(in, out, this::take);
            }
        }

        private CheckedTokenizer checked() throws IOException {
            Effort effort = new Effort();
            ObjectNode head = JsonNodeFactory.instance.objectNode().put("version", "1.0");
            if (has("normalizer")) {
                head.set("normalizer", Normalizers.check(Part.of(parts.get("normalizer"), "normalizer"), effort));
            }
            if (has("pre_tokenizer")) {
                head.set(
                        "pre_tokenizer",
                        PreTokenizers.check(Part.of(parts.get("pre_tokenizer"), "pre_tokenizer"), effort));
            }
            if (has("post_processor")) {
                head.set(
                        "post_processor",
                        PostProcessors.check(Part.of(parts.get("post_processor"), "post_processor"), this::take));
            }
            if (has("added_tokens")) {
                head.set(
                        "added_tokens",
                        AddedTokens.check(parts.get("added_tokens"), head.path("normalizer"), this::take));
            }
            byte[] start = Json.LENIENT.writeValueAsBytes(head);
            ByteArrayOutputStream json = new ByteArrayOutputStream(start.length + model.size() + 16);
            json.write(start, 0, start.length - 1);
            json.writeBytes(",\"model\":".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            model.writeTo(json);
            json.write('}');
            return new CheckedTokenizer(json.toByteArray(), largest, effort.limits());
        }

        private boolean has(String name) {
            JsonNode part = parts.path(name);
            return !part.isMissingNode() && !part.isNull();
        }

        private void take(int id) {
            largest = Math.max(largest, id);
        }
    }
}
