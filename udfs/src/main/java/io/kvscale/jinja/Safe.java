package io.kvscale.jinja;

/**
 * What the filter {@code safe} gives. In Python it would escape what is added to it; here it can be printed and nothing
 * else.
 */
record Safe(String text) {}
