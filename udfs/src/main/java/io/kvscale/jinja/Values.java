package io.kvscale.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's rules for values: {@link None}, Boolean, Long, BigInteger (beyond 64 bits; only passed on), Double, String,
 * List, {@link Tuple}, Map, and the objects that templates create.
 */
final class Values {
    private static final int MAX_DEPTH = 200;

    private Values() {}

    /** Converts a JSON value. */
    static Object of(@Nullable Object value) {
        return of(value, 0);
    }

    private static Object of(@Nullable Object value, int depth) {
        if (depth > MAX_DEPTH) {
            throw new TemplateException("values nested deeper than " + MAX_DEPTH);
        }
        if (value == null) {
            return None.NONE;
        } else if (value instanceof Integer number) {
            return number.longValue();
        } else if (value instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>();
            map.forEach((key, item) -> copy.put(of(key, depth + 1), of(item, depth + 1)));
            return copy;
        } else if (value instanceof List<?> list) {
            List<Object> copy = new ArrayList<>(list.size());
            list.forEach(item -> copy.add(of(item, depth + 1)));
            return copy;
        } else if (value instanceof Long
                || value instanceof BigInteger
                || value instanceof Double
                || value instanceof Boolean
                || value instanceof String) {
            return value;
        }
        throw new TemplateException("values of " + value.getClass().getName() + " are not supported");
    }

    static boolean truth(Object value) {
        if (value == None.NONE || value instanceof Undefined) {
            return false;
        } else if (value instanceof Boolean is) {
            return is;
        } else if (value instanceof Number number) {
            return number.doubleValue() != 0;
        } else if (value instanceof String text) {
            return !text.isEmpty();
        } else if (value instanceof List || value instanceof Map || value instanceof View) {
            return length(value) > 0;
        }
        return !(value instanceof Safe safe) || !safe.text().isEmpty();
    }

    /** As Python's len. */
    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        } else if (value instanceof List<?> list) {
            return list.size();
        } else if (value instanceof Map<?, ?> map) {
            return map.size();
        } else if (value instanceof View view) {
            return view.items().size();
        } else if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException(typeName(value) + " has no length");
    }

    /** A value as a key of a mapping. In Python 1, 1.0 and true are one key, so only some types are supported. */
    static Object key(Object value) {
        if (value instanceof String || value instanceof Long || value == None.NONE) {
            return value;
        }
        throw TemplateException.unsupported(typeName(value) + " as the key of a mapping");
    }

    /** The items that a loop over the value visits. */
    static List<Object> items(Object value) {
        if (value instanceof String text) {
            Budget.checkItems(text.length());
            return text.codePoints()
                    .mapToObj(c -> (Object) Character.toString(c))
                    .toList();
        } else if (value instanceof List<?> list) {
            return List.copyOf(list);
        } else if (value instanceof Map<?, ?> map) {
            return List.copyOf(map.keySet());
        } else if (value instanceof View view) {
            return view.items();
        } else if (value instanceof Generator generator) {
            List<Object> items = new ArrayList<>();
            generator.rest().forEachRemaining(items::add);
            return items;
        } else if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateException("cannot loop over " + typeName(value));
    }

    /** As {@link #items}, but reads an iterator lazily. */
    static Iterator<Object> iterator(Object value, Budget budget) {
        return value instanceof Generator generator
                ? generator.rest()
                : budget.items(items(value)).iterator();
    }

    static boolean isIterable(Object value) {
        return value instanceof String
                || value instanceof List
                || value instanceof Map
                || value instanceof View
                || value instanceof Generator
                || value instanceof Undefined;
    }

    static String typeName(Object value) {
        if (value instanceof Undefined undefined) {
            return "'" + undefined.name() + "', which is undefined";
        } else if (value == None.NONE) {
            return "none";
        } else if (value instanceof Boolean) {
            return "a boolean";
        } else if (value instanceof Double) {
            return "a float";
        } else if (value instanceof Number) {
            return "an integer";
        } else if (value instanceof String) {
            return "a string";
        } else if (value instanceof Tuple) {
            return "a tuple";
        } else if (value instanceof List) {
            return "a list";
        } else if (value instanceof Map) {
            return "a mapping";
        }
        return value instanceof Callable ? "a function" : "an iterator or object";
    }
}
