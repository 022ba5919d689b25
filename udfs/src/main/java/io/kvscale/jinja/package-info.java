/**
 * Chat templates rendered exactly as Python's jinja2 renders them; an unsupported feature is an error.
 *
 * <p>The package is frozen. README.md beside this file says why it exists and when it may change.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.jinja;
