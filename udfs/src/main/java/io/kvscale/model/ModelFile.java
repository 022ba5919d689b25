package io.kvscale.model;

import java.io.Serializable;

/** @param name below the model's folder @param sha256 of its bytes, 64 hexadecimal digits */
public record ModelFile(String name, long bytes, String sha256) implements Serializable {}
