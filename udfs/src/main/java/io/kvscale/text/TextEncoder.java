package io.kvscale.text;

import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;

/** A model's tokenizer and chat template. Thread-safe. */
public final class TextEncoder implements AutoCloseable {
    private final TextOptions options;
    private final ChatTemplate template;
    private final Tokenizer tokenizer;

    private TextEncoder(TextOptions options, ChatTemplate template, Tokenizer tokenizer) {
        this.options = options;
        this.template = template;
        this.tokenizer = tokenizer;
    }

    /**
     * Opens {@code tokenizer.json} and the chat template: the first found of {@code chat_template.jinja}, {@code
     * chat_template.json} and {@code tokenizer_config.json}. A template that cannot be parsed is an error of the first
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
     * Renders and tokenizes a record, without truncation.
     *
     * @throws InvalidDataException if the template fails or is missing for a chat, the text is longer than the tokenizer
     *     takes, or it has no tokens; the caller adds the file and record
     */
    public EncodedText encode(TextRecord record) {
        boolean chat = record instanceof TextRecord.Chat;
        String rendered = record instanceof TextRecord.Plain plain
                ? plain.text()
                : template.render(((TextRecord.Chat) record).messages());
        UnicodeText.check(rendered);
        tokenizer.limits().check(rendered, UnicodeText.bytes(rendered));
        int[] ids = tokenizer.ids(rendered, chat ? options.chatSpecialTokens() : options.plainSpecialTokens());
        if (rendered.isEmpty() || ids.length == 0) {
            throw new InvalidDataException("the text is empty: it has no tokens", "remove this record, or fill it");
        }
        return new EncodedText(rendered, ids);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
