package io.kvscale.jinja;

import java.util.List;

/**
 * The keys, values or items of a mapping, or a range. It has a length and items, but does not print as a list.
 *
 * @param indexed true for a range, whose items can be read by index
 */
record View(List<Object> items, boolean indexed) {}
