package io.kvscale.jinja;

import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The result of map, select and similar filters. As in Python, it is lazy, can be read once, has no length, and is true
 * even if empty.
 */
record Generator(Iterator<Object> rest) {
    /** A lazy stream of the items. */
    static Stream<Object> stream(Iterator<Object> items) {
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(items, Spliterator.ORDERED), false);
    }
}
