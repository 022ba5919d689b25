package io.kvscale.text;

/** A text as it was tokenized, after the chat template was applied, and its token ids. */
public record EncodedText(String rendered, int[] ids) {}
