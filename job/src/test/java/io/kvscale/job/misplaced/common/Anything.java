package io.kvscale.job.misplaced.common;

/** Breaks a rule on purpose. */
public final class Anything {}
