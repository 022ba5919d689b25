package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.function.IntConsumer;

/** Checks added tokens, which the tokenizer searches in every text. */
final class AddedTokens {
    /** Speech and image models add some ten thousand; loading takes the square of the number. */
    private static final int MAX_TOKENS = 1 << 16;

    private static final int MAX_CHARACTERS = 1 << 22;

    private AddedTokens() {}

    /**
     * @param effort what the normalizer does to texts
     * @param ids gets every id
     */
    static ArrayNode check(JsonNode tokens, Effort effort, IntConsumer ids) {
        if (!tokens.isArray() || tokens.size() > MAX_TOKENS) {
            throw Part.invalid("added_tokens is not a list of at most " + MAX_TOKENS + " tokens");
        }
        ArrayNode copies = JsonNodeFactory.instance.arrayNode();
        long characters = 0;
        for (JsonNode token : tokens) {
            Part part = Part.of(token, "added token " + (copies.size() + 1));
            String content = part.string("content", Part.MAX_STRING);
            characters += content.length();
            part.flag("single_word");
            boolean strips = part.flag("lstrip") | part.flag("rstrip");
            part.flag("special");
            boolean normalized = part.flag("normalized");
            // An empty token would match between the bytes of a character.
            if (normalized && effort.shrinks() && content.chars().noneMatch(AddedTokens::isVisible)) {
                throw part.bad("the normalizer may leave nothing of it");
            }
            // A token that strips spaces and begins with one takes memory with the square of a run of spaces.
            if (strips
                    && (Effort.isRun(content.isEmpty() ? ' ' : content.codePointAt(0))
                            || normalized
                                    && (effort.makesSpaces() || !content.chars().allMatch(AddedTokens::isVisible)))) {
                throw part.bad("it strips spaces, and may begin with a space itself");
            }
            JsonNode id = token.path("id");
            if (!id.isInt() || id.intValue() < 0 || content.isEmpty() || characters > MAX_CHARACTERS) {
                throw part.bad(
                        "it has no content, no id, or all of them have more than " + MAX_CHARACTERS + " characters");
            }
            ids.accept(id.intValue());
            part.copy().set("id", id);
            copies.add(part.copy());
        }
        return copies;
    }

    private static boolean isVisible(int c) {
        return c > ' ' && c < 127;
    }
}
