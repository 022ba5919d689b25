package io.kvscale.misplaced.numeric;

import io.kvscale.misplaced.observer.ImportsSpark;

/** Breaks a rule on purpose. */
public record ImportsHigher(ImportsSpark higher) {}
