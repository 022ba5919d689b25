package io.kvscale.text;

/** @param rendered the text that was tokenized, after the chat template was applied @param ids its token ids */
public record EncodedText(String rendered, int[] ids) {}
