/** Checks a tokenizer.json before the native tokenizer reads it. */
@org.jspecify.annotations.NullMarked
package io.kvscale.text.tokenizer;
