package io.kvscale.text;

import java.io.Serializable;

/** The token ids of a sample, at least one. */
public record TokenSequence(String name, int[] ids) implements Serializable {}
