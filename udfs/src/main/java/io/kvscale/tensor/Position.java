package io.kvscale.tensor;

/**
 * Where a piece of values begins.
 *
 * @param element row-major index of the piece's first value in its tensor; the piece with 0 counts tokens and samples
 */
public record Position(KvSource source, long element) {}
