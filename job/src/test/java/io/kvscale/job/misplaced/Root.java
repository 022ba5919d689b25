package io.kvscale.job.misplaced;

/** What only the command line may know. */
public final class Root {}
