/**
 * Jinja as the chat templates of models use it, with the results of Python's jinja2; what it does not know is an error.
 *
 * <p>Not a library's: jinjava, the one for Java, gives other text than jinja2 without an error where templates strip
 * white space before a tag in the middle of a line, test a content that reads "false", print none, put {@code is
 * defined} before {@code and}, or filter a loop.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.jinja;
