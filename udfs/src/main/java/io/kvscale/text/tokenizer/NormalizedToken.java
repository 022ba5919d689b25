package io.kvscale.text.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;

/**
 * What a checked normalizer makes of an added token. Only the native tokenizer knows, so it is asked: with a vocabulary of
 * spaces, it gives one id for each normalized character, 0 for all but spaces.
 */
final class NormalizedToken implements AutoCloseable {
    /** As the native tokenizer strips them. */
    private static final String SPACES = "\t\n\u000b\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
            + "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

    private final HuggingFaceTokenizer tokenizer;

    private NormalizedToken(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** @param normalizer that was checked; a null node if there is none */
    static NormalizedToken open(JsonNode normalizer) throws IOException {
        ObjectNode file = JsonNodeFactory.instance.objectNode().put("version", "1.0");
        file.set("normalizer", normalizer);
        ObjectNode model = file.putObject("model").put("type", "BPE").put("unk_token", "?");
        model.putArray("merges");
        ObjectNode vocabulary = model.putObject("vocab").put("?", 0);
        SPACES.chars().forEach(c -> vocabulary.put(Character.toString(c), vocabulary.size()));
        return new NormalizedToken(HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(Json.LENIENT.writeValueAsBytes(file)),
                Map.of("truncation", "false", "padding", "false")));
    }

    void check(String content, boolean strips, Part part) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long encoding = library.encode(tokenizer.getHandle(), content, false);
        long[] ids = library.getTokenIds(encoding);
        library.deleteEncoding(encoding);
        if (ids.length == 0) {
            throw part.bad("the normalizer leaves nothing of it"); // it would match between the bytes of a character
        }
        // A token that strips spaces and begins with one takes memory with the square of a run of spaces.
        if (strips && ids[0] > 0) {
            throw part.bad("it strips spaces, and begins with a space itself");
        }
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
