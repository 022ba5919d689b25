package io.kvscale.text;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;

/** A model's tokenizer and chat template. Thread-safe. */
public final class TextEncoder implements AutoCloseable {
    /** Of a text, in UTF-8; the tokenizer takes up to 250 bytes a byte meanwhile. */
    static final int MAX_BYTES = 16 << 20;

    private final TextOptions options;
    private final ChatTemplate template;
    private final Tokenizer tokenizer;

    private TextEncoder(TextOptions options, ChatTemplate template, Tokenizer tokenizer) {
        this.options = options;
        this.template = template;
        this.tokenizer = tokenizer;
    }

    /**
     * Opens {@code tokenizer.json} and the template in {@code chat_template.jinja}, {@code chat_template.json} or
     * {@code tokenizer_config.json}, the first that is there. A template that cannot be parsed is an error of the first
     * chat.
     *
     * @param folder local
     * @param vocabulary rows of the model's embedding
     * @throws InvalidDataException if a file is missing or broken, or the tokenizer has ids beyond the vocabulary
     */
    public static TextEncoder open(Path folder, TextOptions options, int vocabulary) {
        ChatTemplate template = ChatTemplate.read(folder, options.generationPrompt());
        return new TextEncoder(options, template, Tokenizer.open(folder, vocabulary));
    }

    /**
     * Renders and tokenizes; cuts nothing.
     *
     * @throws InvalidDataException if the template fails, there is none for a chat, the text is above 16 MB, or no
     *     token comes out; without a place
     */
    public EncodedText encode(TextRecord record) {
        boolean chat = record instanceof TextRecord.Chat;
        String rendered = record instanceof TextRecord.Plain plain
                ? plain.text()
                : template.render(((TextRecord.Chat) record).messages());
        UnicodeText.check(rendered);
        long bytes = UnicodeText.bytes(rendered);
        if (bytes > MAX_BYTES) {
            throw new InvalidDataException(DataProblem.of(
                    "the text has " + bytes + " bytes, more than " + MAX_BYTES, "cut it into several records"));
        }
        int[] ids = tokenizer.ids(rendered, chat ? options.chatSpecialTokens() : options.plainSpecialTokens());
        if (rendered.isEmpty() || ids.length == 0) {
            throw new InvalidDataException(
                    DataProblem.of("the text is empty: no token comes out", "leave this record out, or fill it"));
        }
        return new EncodedText(rendered, ids);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
