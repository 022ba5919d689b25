package io.kvscale.jinja;

import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * What map, select and the like give: true even if empty, without a length, and gone as far as it was read. As in
 * Python, an item is made when it is asked for.
 */
record Generator(Iterator<Object> rest) {
    /** A stream that takes no more items than it is asked for. */
    static Stream<Object> stream(Iterator<Object> items) {
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(items, Spliterator.ORDERED), false);
    }
}
