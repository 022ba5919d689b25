package io.kvscale.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code of.name} and {@code of[key]}: attributes and items, each falling back to the other as in jinja2. */
final class Lookup {
    private Lookup() {}

    static Object attribute(Object of, String name, Budget budget) {
        if (of instanceof Undefined undefined) {
            throw undefined.error();
        } else if (of instanceof Namespace namespace) {
            Object value = namespace.attributes.get(name);
            return value == null ? new Undefined(name) : value;
        } else if (of instanceof Loop loop) {
            return loop.attribute(name);
        } else if (of instanceof Callable || of instanceof Safe || of instanceof Generator || of instanceof View) {
            throw TemplateException.unsupported("the attribute '" + name + "' of " + Values.typeName(of));
        }
        Object attribute = Methods.attribute(of, name, budget);
        return attribute instanceof Undefined && of instanceof Map<?, ?> map && map.containsKey(name)
                ? map.get(name)
                : attribute;
    }

    static Object item(Object of, Object key, Budget budget) {
        if (of instanceof Map && (key instanceof Map || key instanceof List && !(key instanceof Tuple))) {
            return missing(key);
        } else if (of instanceof Map<?, ?> map) {
            Object value = map.get(Values.key(key));
            return value != null ? value : key instanceof String name ? attribute(of, name, budget) : missing(key);
        } else if (key instanceof String || of instanceof Safe) {
            return attribute(of, Printed.text(key, budget), budget);
        } else if (of instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object number = key instanceof Boolean is ? (Object) (is ? 1L : 0L) : key;
        if (!(number instanceof Long index) || !hasPlaces(of)) {
            return missing(key);
        }
        if (of instanceof String text) {
            return character(text, index, budget);
        }
        List<?> items = of instanceof View view ? view.items() : (List<?>) of;
        long place = index < 0 ? index + items.size() : index;
        return place < 0 || place >= items.size() ? missing(key) : items.get((int) place);
    }

    private static boolean hasPlaces(Object of) {
        return of instanceof String || of instanceof List || of instanceof View view && view.indexed();
    }

    private static Object character(String text, long index, Budget budget) {
        budget.scanned(text.length());
        long place = index < 0 ? index + Values.length(text) : index;
        if (place < 0 || place >= Values.length(text)) {
            return missing(index);
        }
        return Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) place)));
    }

    private static Undefined missing(Object key) {
        return new Undefined(key instanceof String || key instanceof Long ? key.toString() : "item");
    }

    /** @param bounds start, stop and step, or None */
    static Object slice(Object of, Object[] bounds, Budget budget) {
        if (!hasPlaces(of)) {
            if (of instanceof Undefined undefined) {
                throw undefined.error();
            }
            throw new TemplateException(Values.typeName(of) + " has no slices");
        }
        if (of instanceof String text) {
            budget.scanned(text.length());
        }
        int[] characters = of instanceof String text ? text.codePoints().toArray() : new int[0];
        List<?> items = of instanceof View view ? view.items() : of instanceof List<?> list ? list : List.of();
        int size = of instanceof String ? characters.length : items.size();
        long step = bound(bounds[2], 1);
        if (step == 0) {
            throw new TemplateException("the step of a slice must not be 0");
        }
        long first = step > 0 ? 0 : size - 1L;
        long start = clamp(bound(bounds[0], first), bounds[0], size, step);
        long stop = bounds[1] == None.NONE ? (step > 0 ? size : -1) : clamp(bound(bounds[1], 0), bounds[1], size, step);
        StringBuilder text = new StringBuilder();
        List<Object> taken = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            if (of instanceof String) {
                text.appendCodePoint(characters[(int) i]);
            } else {
                taken.add(items.get((int) i));
            }
        }
        budget.items(taken);
        if (of instanceof String) {
            return budget.text(text.toString());
        } else if (of instanceof View) {
            return new View(taken, true);
        }
        return of instanceof Tuple ? new Tuple(taken) : taken;
    }

    private static long bound(Object value, long ifNone) {
        if (value == None.NONE) {
            return ifNone;
        } else if (value instanceof Long number) {
            return Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, number));
        }
        throw new TemplateException("a slice takes integers, not " + Values.typeName(value));
    }

    private static long clamp(long at, Object given, int size, long step) {
        long place = given != None.NONE && at < 0 ? at + size : at;
        long least = step > 0 ? 0 : -1;
        return Math.max(least, Math.min(place, step > 0 ? size : size - 1L));
    }
}
