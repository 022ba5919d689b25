package io.kvscale.observer;

import java.io.Serializable;

/**
 * Which ranges of single batches a slot keeps, for observers that depend on the order of batches.
 *
 * @param channelsPerScale at which granularity: neighbouring channels that share a range
 * @param lastOnly whether only the batch that comes last in the order of the corpus is kept
 */
public record BatchPolicy(int channelsPerScale, boolean lastOnly) implements Serializable {}
