/** The model and tokenizer as they are shipped to executors. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.model;
