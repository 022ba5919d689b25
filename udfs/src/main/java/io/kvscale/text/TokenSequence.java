package io.kvscale.text;

import java.io.Serializable;

/** @param name of the sample @param ids its token ids, at least one */
public record TokenSequence(String name, int[] ids) implements Serializable {}
