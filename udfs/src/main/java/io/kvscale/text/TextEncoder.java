package io.kvscale.text;

import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;

/** A model's tokenizer and chat template. Thread-safe. */
public final class TextEncoder implements AutoCloseable {
    private TextEncoder() {}

    /**
     * Opens {@code tokenizer.json} and the template in {@code chat_template.jinja} or {@code tokenizer_config.json}.
     *
     * @param folder local
     * @param vocabulary rows of the model's embedding
     * @throws InvalidDataException if a file is missing or broken, or the tokenizer has ids beyond the vocabulary
     */
    public static TextEncoder open(Path folder, TextOptions options, int vocabulary) {
        throw new UnsupportedOperationException();
    }

    /**
     * Renders and tokenizes; cuts nothing.
     *
     * @throws InvalidDataException if the template fails, there is none for a chat, or no token comes out; without a place
     */
    public EncodedText encode(TextRecord record) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
