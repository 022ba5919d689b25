package io.kvscale.job.misplaced.recipe;

import io.kvscale.job.misplaced.Root;

/** Breaks a rule on purpose. */
public record ImportsRoot(Root higher) {}
