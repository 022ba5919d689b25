/** Text as a model takes it: records, rendered by the model's chat template, as token ids. */
@org.jspecify.annotations.NullMarked
package io.kvscale.text;
