package io.kvscale.text;

import java.io.Serializable;
import java.util.List;

/** Sequences that a model runs in one batch. */
public record TokenBatch(List<TokenSequence> rows) implements Serializable {}
