package io.kvscale.misplaced.scheme;

import io.kvscale.misplaced.observer.ImportsSpark;

/** Breaks a rule on purpose. */
public record ImportsBeside(ImportsSpark beside) {}
