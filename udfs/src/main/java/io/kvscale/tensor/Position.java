package io.kvscale.tensor;

/**
 * Where a piece of a tensor begins.
 *
 * @param element row-major index of the first value of the piece. The piece at index 0 stands for the tensor's tokens and
 *     samples when they are counted.
 */
public record Position(KvSource source, long element) {}
