package io.kvscale.text;

/** @param rendered what was tokenized, after the chat template */
public record EncodedText(String rendered, int[] ids) {}
