package io.kvscale.job.misplaced;

/** A class of the root package, which only the command line may import. */
public final class Root {}
