package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import java.io.IOException;
import java.util.function.IntConsumer;

/** Checks added tokens, which the tokenizer searches in every text. */
final class AddedTokens {
    /** Speech and image models add some ten thousand; loading takes the square of the number. */
    private static final int MAX_TOKENS = 1 << 16;

    private static final int MAX_CHARACTERS = 1 << 22;

    private AddedTokens() {}

    /**
     * @param normalizer that was checked; a missing node if there is none
     * @param ids gets every id
     */
    static ArrayNode check(JsonNode tokens, JsonNode normalizer, IntConsumer ids) throws IOException {
        if (!tokens.isArray() || tokens.size() > MAX_TOKENS) {
            throw Part.invalid("added_tokens is not a list of at most " + MAX_TOKENS + " tokens");
        }
        ArrayNode copies = JsonNodeFactory.instance.arrayNode();
        try (NormalizedToken plain = NormalizedToken.open(NullNode.instance);
                NormalizedToken normalized =
                        NormalizedToken.open(normalizer.isMissingNode() ? NullNode.instance : normalizer)) {
            long characters = 0;
            for (JsonNode token : tokens) {
                Part part = Part.of(token, "added token " + (copies.size() + 1));
                String content = part.string("content", Part.MAX_STRING);
                characters += content.length();
                JsonNode id = token.path("id");
                if (!id.isInt() || id.intValue() < 0 || content.isEmpty() || characters > MAX_CHARACTERS) {
                    throw part.bad("it has no content, no id, or all of them have more than " + MAX_CHARACTERS
                            + " characters");
                }
                part.flag("single_word");
                part.flag("special");
                boolean strips = part.flag("lstrip") | part.flag("rstrip");
                (part.flag("normalized") ? normalized : plain).check(content, strips, part);
                ids.accept(id.intValue());
                part.copy().set("id", id);
                copies.add(part.copy());
            }
        }
        return copies;
    }
}
