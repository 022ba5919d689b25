package io.kvscale.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}. Items are read lazily, when the loop or an attribute needs them. */
final class Loop {
    private Iterator<Object> rest;
    private long at = -1;
    private long length = -1;
    private @Nullable Object before;
    private @Nullable Object current;
    private @Nullable Object after;

    Loop(Iterator<Object> items) {
        this.rest = items;
    }

    /** The next item; null at the end. */
    @Nullable
    Object advance() {
        before = current;
        current = peek();
        after = null;
        at++;
        return current;
    }

    private @Nullable Object peek() {
        if (after == null && rest.hasNext()) {
            after = rest.next();
        }
        return after;
    }

    private long length() {
        if (length < 0) {
            List<Object> items = new ArrayList<>();
            rest.forEachRemaining(items::add);
            rest = items.iterator();
            length = at + 1 + (after == null ? 0 : 1) + items.size();
        }
        return length;
    }

    private static Object orUndefined(@Nullable Object item, String which) {
        return item == null ? new Undefined("there is no " + which + " item") : item;
    }

    Object attribute(String name) {
        return switch (name) {
            case "index" -> at + 1L;
            case "index0" -> at;
            case "revindex" -> length() - at;
            case "revindex0" -> length() - at - 1;
            case "first" -> at == 0;
            case "last" -> peek() == null;
            case "length" -> length();
            case "previtem" -> orUndefined(before, "previous");
            case "nextitem" -> orUndefined(peek(), "next");
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "cycle" ->
                (Callable) arguments -> {
                    if (arguments.positional().isEmpty() || !arguments.named().isEmpty()) {
                        throw new TemplateException("cycle takes items");
                    }
                    return arguments.positional().get((int)
                            (at % arguments.positional().size()));
                };
            default -> throw TemplateException.unsupported("loop." + name);
        };
    }
}
