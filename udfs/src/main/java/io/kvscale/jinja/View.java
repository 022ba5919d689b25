package io.kvscale.jinja;

import java.util.List;

/**
 * The keys, values or items of a mapping, or a range: what has a length and can be looped over, but is printed as no
 * list.
 *
 * @param indexed whether it is a range, whose items have indexes
 */
record View(List<Object> items, boolean indexed) {}
