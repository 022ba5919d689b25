package io.kvscale.text;

import java.io.Serializable;

/**
 * What goes through a model as one row.
 *
 * @param name the sample it is, or a window of it
 * @param ids at least one; not copied
 */
public record TokenSequence(String name, int[] ids) implements Serializable {}
