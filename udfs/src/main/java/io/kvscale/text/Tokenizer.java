package io.kvscale.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.Map;

/** A model's tokenizer.json in Hugging Face's own implementation. Thread-safe. */
final class Tokenizer implements AutoCloseable {
    private static final String FILE = "tokenizer.json";

    static {
        NativeLibraries.prepare();
    }

    private final HuggingFaceTokenizer tokenizer;

    private Tokenizer(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** @throws InvalidDataException if the file is missing or broken, or has ids that the model has no embedding for */
    static Tokenizer open(ModelText model, int vocabulary) {
        JsonNode json = model.json(FILE);
        if (json == null) {
            throw ModelText.problem(FILE, "it is not there");
        }
        int largest = largestId(json);
        if (largest >= vocabulary) {
            throw new InvalidDataException(DataProblem.of(
                    "the tokenizer has the id " + largest + ", but the model's vocabulary ends at " + (vocabulary - 1),
                    "take tokenizer.json and model from the same repository"));
        }
        try {
            return new Tokenizer(HuggingFaceTokenizer.builder()
                    .optTokenizerPath(model.folder().resolve(FILE))
                    .optTruncation(false)
                    .optPadding(false)
                    .build());
        } catch (IOException | RuntimeException e) {
            throw ModelText.problem(FILE, String.valueOf(e.getMessage()));
        }
    }

    /** By what the file says: an id that only some text would give counts too. */
    private static int largestId(JsonNode json) {
        int largest = -1;
        JsonNode vocabulary = json.path("model").path("vocab");
        if (vocabulary.isArray()) {
            largest = vocabulary.size() - 1;
        }
        for (Map.Entry<String, JsonNode> word : vocabulary.properties()) {
            largest = Math.max(largest, word.getValue().asInt());
        }
        for (JsonNode added : json.path("added_tokens")) {
            largest = Math.max(largest, added.path("id").asInt());
        }
        if (largest < 0) {
            throw ModelText.problem(FILE, "it has no vocabulary");
        }
        return largest;
    }

    int[] ids(String text, boolean specialTokens) {
        long[] ids = tokenizer.encode(text, specialTokens, false).getIds();
        int[] narrow = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            narrow[i] = Math.toIntExact(ids[i]);
        }
        return narrow;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
