package io.kvscale.job.corpus.read;

import io.kvscale.job.model.ModelLocation;
import java.io.Serializable;

/**
 * The model for which a corpus is tokenized.
 *
 * @param location of the tokenizer and the chat template
 * @param vocabulary number of rows of the embedding; token ids are below it
 * @param maxPositions maximum number of tokens in a sequence; 0: unknown
 */
public record TextModel(ModelLocation location, int vocabulary, int maxPositions) implements Serializable {}
