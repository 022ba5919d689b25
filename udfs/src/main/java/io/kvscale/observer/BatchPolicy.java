package io.kvscale.observer;

import java.io.Serializable;

/**
 * Which ranges of single batches a slot keeps, for observers whose result depends on the order of batches.
 *
 * @param channelsPerScale number of neighbouring channels that share a range
 * @param lastOnly whether only the last batch of the corpus is kept
 */
public record BatchPolicy(int channelsPerScale, boolean lastOnly) implements Serializable {}
