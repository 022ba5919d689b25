package io.kvscale.jinja;

import io.kvscale.jinja.Arguments.Bound;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The supported methods of Python's strings and mappings, none of which changes its object. */
final class Methods {
    private static final Set<String> OF_STRINGS = Set.of(
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "upper",
            "lower",
            "title",
            "capitalize",
            "isdigit",
            "startswith",
            "endswith",
            "removeprefix",
            "removesuffix",
            "replace",
            "count",
            "find",
            "join");

    private static final Set<String> OF_MAPPINGS = Set.of("get", "items", "keys", "values");

    /** Attributes of Python's types that are not supported; using one is an error, not an undefined value. */
    private static final Set<String> OTHERS = Set.of(
            "casefold",
            "center",
            "encode",
            "expandtabs",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
            "isidentifier",
            "islower",
            "isnumeric",
            "isprintable",
            "isspace",
            "istitle",
            "isupper",
            "ljust",
            "maketrans",
            "partition",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "swapcase",
            "translate",
            "zfill",
            "clear",
            "copy",
            "fromkeys",
            "pop",
            "popitem",
            "setdefault",
            "update",
            "append",
            "extend",
            "insert",
            "remove",
            "reverse",
            "sort",
            "real",
            "imag",
            "numerator",
            "denominator",
            "as_integer_ratio",
            "bit_length",
            "bit_count",
            "conjugate",
            "from_bytes",
            "to_bytes",
            "is_integer",
            "hex",
            "fromhex",
            "start",
            "stop",
            "step",
            "isdisjoint",
            "mapping",
            "count");

    private Methods() {}

    /**
     * The method of a value, which takes precedence over a key of that name.
     *
     * @return {@link Undefined} if Python's type has no such attribute
     */
    static Object attribute(Object of, String name, Budget budget) {
        boolean has =
                of instanceof String && OF_STRINGS.contains(name) || of instanceof Map && OF_MAPPINGS.contains(name);
        if (has) {
            return of instanceof String text
                    ? (Callable) arguments -> ofString(budget.text(text), name, arguments, budget)
                    : (Callable) arguments -> ofMapping((Map<?, ?>) of, name, arguments, budget);
        }
        boolean mayHave = of instanceof String
                || of instanceof Map
                        && Set.of("clear", "copy", "fromkeys", "pop", "popitem", "setdefault", "update")
                                .contains(name)
                || !(of instanceof Map) && of != None.NONE;
        if (name.startsWith("__") || mayHave && OTHERS.contains(name)) {
            throw TemplateException.unsupported("the attribute '" + name + "' of " + Values.typeName(of));
        }
        return new Undefined(name);
    }

    private static Object ofMapping(Map<?, ?> map, String name, Arguments arguments, Budget budget) {
        if (name.equals("get")) {
            Bound given = arguments.bind("get", 1, "key", "default");
            Object value = map.get(Values.key(given.get(0).orElseThrow()));
            return value != null ? value : given.get(1).orElse(None.NONE);
        }
        arguments.bind(name, 0);
        return switch (name) {
            case "keys" -> new View(budget.items(List.copyOf(map.keySet())), false);
            case "values" -> new View(budget.items(List.copyOf(map.values())), false);
            default -> items(map, budget);
        };
    }

    static View items(Map<?, ?> map, Budget budget) {
        List<Object> items = new ArrayList<>(map.size());
        map.forEach((key, value) -> items.add(new Tuple(List.of(key, value))));
        return new View(budget.items(items), false);
    }

    private static Object ofString(String text, String name, Arguments arguments, Budget budget) {
        return switch (name) {
            case "strip", "lstrip", "rstrip" -> stripped(text, name, arguments, budget);
            case "split", "rsplit" -> split(text, name, arguments.bind(name, 0, "sep", "maxsplit"), budget);
            case "isdigit" -> {
                arguments.bind(name, 0);
                budget.scanned(text.length());
                if (text.chars().anyMatch(c -> c > 0x7f)) {
                    throw TemplateException.unsupported("isdigit of non-ASCII characters");
                }
                yield !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
            }
            case "splitlines" -> {
                arguments.bind(name, 0);
                yield lines(text, budget);
            }
            case "startswith", "endswith" -> {
                Object part = arguments.bind(name, 1, "prefix").get(0).orElseThrow();
                List<Object> parts = part instanceof Tuple tuple ? tuple : List.of(part);
                yield parts.stream().anyMatch(p -> begins(text, string(p, name), name.equals("startswith")));
            }
            case "removeprefix" -> {
                String prefix = arguments.bind(name, 1, "prefix").text(0);
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = arguments.bind(name, 1, "suffix").text(0);
                yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            }
            case "replace" -> {
                Bound given = arguments.bind(name, 2, "old", "new", "count");
                yield StringValues.replace(text, given.text(0), given.text(1), given.integer(2, -1), budget);
            }
            case "count" ->
                StringValues.count(text, arguments.bind(name, 1, "sub").text(0), budget);
            case "find" -> {
                String part = arguments.bind(name, 1, "sub").text(0);
                budget.search(text, part);
                int at = text.indexOf(part);
                yield at < 0 ? -1L : (long) text.codePointCount(0, at);
            }
            case "join" -> join(text, arguments.bind(name, 1, "iterable").get(0).orElseThrow(), budget);
            default -> {
                arguments.bind(name, 0);
                budget.scanned((name.equals("title") ? 8L : 1) * text.length());
                yield cased(text, name);
            }
        };
    }

    /** An empty set of characters strips nothing; without one, white space is stripped. */
    static String stripped(String text, String name, Arguments arguments, Budget budget) {
        Bound given = arguments.bind(name, 0, "chars");
        String characters = given.text(0, "");
        if (given.given(0).isPresent() && characters.isEmpty()) {
            return text;
        }
        String stripped = StringValues.strip(text, characters, !name.equals("rstrip"), !name.equals("lstrip"));
        budget.written((text.length() - stripped.length()) * Math.max(1L, characters.length()));
        return stripped;
    }

    private static String cased(String text, String name) {
        return switch (name) {
            case "upper" -> StringValues.upper(text);
            case "lower" -> StringValues.lower(text);
            case "title" -> StringValues.title(text);
            default -> StringValues.capitalize(text);
        };
    }

    private static boolean begins(String text, String part, boolean atStart) {
        return atStart ? text.startsWith(part) : text.endsWith(part);
    }

    private static String string(Object value, String function) {
        if (value instanceof String text) {
            return text;
        }
        throw new TemplateException(function + " takes strings, not " + Values.typeName(value));
    }

    private static Object split(String text, String name, Bound given, Budget budget) {
        int most = given.integer(1, -1);
        if (given.given(0).isEmpty()) {
            if (most >= 0) {
                throw TemplateException.unsupported("split at white space with maxsplit");
            }
            budget.scanned(text.length());
            return budget.items(StringValues.words(text));
        }
        List<Object> parts = name.equals("split")
                ? StringValues.split(text, given.text(0), most, budget)
                : StringValues.splitFromEnd(text, given.text(0), most, budget);
        return budget.items(parts);
    }

    static List<Object> lines(String text, Budget budget) {
        budget.scanned(text.length());
        if (text.chars()
                .anyMatch(c -> c == 0x0b
                        || c == 0x0c
                        || (c >= 0x1c && c <= 0x1e)
                        || c == 0x85
                        || c == 0x2028
                        || c == 0x2029)) {
            throw TemplateException.unsupported("splitlines at other characters than \\n and \\r");
        }
        String plain = StringValues.unixLines(text);
        List<Object> lines = StringValues.split(plain, "\n", -1, budget);
        if (plain.isEmpty() || plain.endsWith("\n")) {
            lines.remove(lines.size() - 1);
        }
        return budget.items(lines);
    }

    private static String join(String between, Object parts, Budget budget) {
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Object part : Values.items(parts)) {
            budget.step();
            budget.append(out, first ? "" : between);
            budget.append(out, string(part, "join"));
            first = false;
        }
        return out.toString();
    }
}
