package io.kvscale.text;

import java.io.Serializable;

/**
 * Options of rendering and tokenizing.
 *
 * @param plainSpecialTokens whether the tokenizer adds its special tokens (BOS …) to plain texts
 * @param chatSpecialTokens whether it also adds them to rendered chats, whose template usually writes them
 * @param generationPrompt whether a rendered chat ends with the start of an assistant message
 */
public record TextOptions(
        TextFields fields, boolean plainSpecialTokens, boolean chatSpecialTokens, boolean generationPrompt)
        implements Serializable {
    public static final TextOptions DEFAULT = new TextOptions(TextFields.DEFAULT, true, false, false);

    /** These options without {@code statistics_by}. */
    public TextOptions withoutStatistics() {
        TextFields kept = new TextFields(
                fields.text(), fields.messages(), fields.prompt(), fields.completion(), fields.sampleBy(), "");
        return new TextOptions(kept, plainSpecialTokens, chatSpecialTokens, generationPrompt);
    }
}
