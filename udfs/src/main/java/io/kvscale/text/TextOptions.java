package io.kvscale.text;

import java.io.Serializable;

/**
 * How records become token ids.
 *
 * @param plainSpecialTokens whether the tokenizer adds its special tokens (BOS …) to plain texts
 * @param chatSpecialTokens whether it adds them to rendered chats, whose template writes them already
 * @param generationPrompt whether a rendered chat ends with the opening of the assistant's turn
 */
public record TextOptions(
        TextFields fields, boolean plainSpecialTokens, boolean chatSpecialTokens, boolean generationPrompt)
        implements Serializable {
    public static final TextOptions DEFAULT = new TextOptions(TextFields.DEFAULT, true, false, false);
}
