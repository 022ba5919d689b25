package io.kvscale.model;

import java.io.Serializable;

/**
 * A file of a model.
 *
 * @param name path below the model's folder
 * @param sha256 hash of its bytes, 64 hexadecimal digits
 */
public record ModelFile(String name, long bytes, String sha256) implements Serializable {}
