package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.tensor.DataProblem;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Checks post-processors, which put special tokens around the token ids. Those that only correct offsets are left out, as
 * are templates for pairs of texts: neither changes a token id here.
 */
final class PostProcessors {
    private static final int MAX_TOKENS = 1_000;

    private final IntConsumer ids;
    private @Nullable ObjectNode found;

    private PostProcessors(IntConsumer ids) {
        this.ids = ids;
    }

    /**
     * @param ids gets every token id
     * @return the one post-processor that adds tokens; null if there is none
     */
    static @Nullable ObjectNode check(Part part, IntConsumer ids) {
        PostProcessors all = new PostProcessors(ids);
        all.add(part);
        return all.found;
    }

    private void add(Part part) {
        switch (part.type()) {
            case "Sequence" -> part.parts("processors").forEach(this::add);
            case "ByteLevel" -> {}
            case "BertProcessing", "RobertaProcessing" -> keep(part, pairs(part));
            case "TemplateProcessing" -> keep(part, template(part));
            default -> throw part.bad("kvscale does not know this type of post-processor");
        }
    }

    private void keep(Part part, ObjectNode copy) {
        if (found != null) {
            throw part.bad("a second post-processor adds special tokens");
        }
        found = copy;
    }

    private ObjectNode pairs(Part part) {
        for (String field : new String[] {"sep", "cls"}) {
            JsonNode pair = part.json().path(field);
            if (pair.size() != 2 || !pair.path(0).isTextual()) {
                throw part.bad(field + " is not a pair of token and id");
            }
            part.copy().putArray(field).add(pair.get(0).textValue()).add(id(pair.get(1), part));
        }
        if (part.copy().path("type").asText().equals("RobertaProcessing")) {
            part.flag("trim_offsets");
            part.flag("add_prefix_space");
        }
        return part.copy();
    }

    /** A template must contain the text once: {@code [{"SpecialToken": {"id": "<s>", …}}, {"Sequence": {"id": "A", …}}]}. */
    private ObjectNode template(Part part) {
        ObjectNode copy = part.copy();
        ArrayNode single = copy.putArray("single");
        ObjectNode tokens = copy.putObject("special_tokens");
        int texts = 0;
        for (JsonNode piece : part.json().path("single")) {
            JsonNode token = piece.path("SpecialToken").path("id");
            if (piece.path("Sequence").path("id").asText().equals("A")) {
                texts++;
                single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
            } else if (token.isTextual() && single.size() < MAX_TOKENS) {
                single.addObject()
                        .putObject("SpecialToken")
                        .put("id", token.textValue())
                        .put("type_id", 0);
                tokens.set(
                        token.textValue(),
                        special(part.json().path("special_tokens").path(token.textValue()), token.textValue(), part));
            } else {
                throw part.bad("single has a piece that is neither a special token nor the text");
            }
        }
        if (texts != 1) {
            throw part.bad("single contains the text " + texts + " times, expected once");
        }
        ArrayNode pair = copy.putArray("pair");
        pair.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
        return copy;
    }

    private ObjectNode special(JsonNode token, String name, Part part) {
        JsonNode values = token.path("ids");
        if (!values.isArray() || values.isEmpty() || values.size() > 100) {
            throw part.bad("the special token " + DataProblem.shown(name) + " has no ids");
        }
        ObjectNode copy = part.copy().objectNode().put("id", name);
        ArrayNode list = copy.putArray("ids");
        ArrayNode words = copy.putArray("tokens");
        for (JsonNode value : values) {
            list.add(id(value, part));
            words.add(name);
        }
        return copy;
    }

    private int id(JsonNode value, Part part) {
        if (!value.isInt() || value.intValue() < 0) {
            throw part.bad("a token id is not a number from 0 to 2^31 - 1");
        }
        ids.accept(value.intValue());
        return value.intValue();
    }
}
