package io.kvscale.job.state;

import java.io.Serializable;

/**
 * A batch of texts that a model ran over.
 *
 * @param key equal for batches of the same texts, see {@link io.kvscale.job.corpus.plan.KeyedBatch}
 * @param texts its rows
 * @param tokens of all rows, without padding
 */
public record KeptBatch(String key, int texts, long tokens) implements Serializable {}
