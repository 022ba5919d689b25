package io.kvscale.text;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;

/** A model's tokenizer and chat template. Thread-safe. */
public final class TextEncoder implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final TextOptions options;

    private TextEncoder(Tokenizer tokenizer, ChatTemplate template, TextOptions options) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.options = options;
    }

    /**
     * Opens {@code tokenizer.json} and the template in {@code chat_template.jinja} or {@code tokenizer_config.json}.
     *
     * @param folder local
     * @param vocabulary rows of the model's embedding
     * @throws InvalidDataException if a file is missing or broken, or the tokenizer has ids beyond the vocabulary
     */
    public static TextEncoder open(Path folder, TextOptions options, int vocabulary) {
        ModelText model = new ModelText(folder);
        ChatTemplate template = ChatTemplate.open(model, options.generationPrompt());
        return new TextEncoder(Tokenizer.open(model, vocabulary), template, options);
    }

    /**
     * Renders and tokenizes; cuts nothing.
     *
     * @throws InvalidDataException if the text is empty or no Unicode, the template fails, there is none for a chat, or no
     *     token comes out; without a place
     */
    public EncodedText encode(TextRecord record) {
        boolean chat = record instanceof TextRecord.Chat;
        String rendered = record instanceof TextRecord.Chat messages
                ? template.render(messages.messages())
                : ((TextRecord.Plain) record).text();
        RecordParser.plain(rendered);
        int[] ids = tokenizer.ids(rendered, chat ? options.chatSpecialTokens() : options.plainSpecialTokens());
        if (ids.length == 0) {
            throw new InvalidDataException(DataProblem.of(
                    "the tokenizer makes no token of the text",
                    "remove it, or allow it with max_bad_records under kvscale"));
        }
        return new EncodedText(rendered, ids);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
