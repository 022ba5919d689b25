/** Reads text records, renders them with the model's chat template, and tokenizes them. */
@org.jspecify.annotations.NullMarked
package io.kvscale.text;
