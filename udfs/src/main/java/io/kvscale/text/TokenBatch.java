package io.kvscale.text;

import java.io.Serializable;
import java.util.List;

/** Sequences that a model runs together. */
public record TokenBatch(List<TokenSequence> rows) implements Serializable {}
