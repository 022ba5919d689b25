package io.kvscale.misplaced.util;

/** Breaks a rule on purpose. */
public final class Anything {}
