package io.kvscale.jinja;

import io.kvscale.jinja.Arguments.Bound;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The filters, which follow {@code |}. */
final class Filters {
    private static final Pattern INTEGER = Pattern.compile("[+-]?\\d{1,18}");
    private static final Pattern FLOAT = Pattern.compile("[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d{1,4})?");

    /** Texts that Python may read as a number and the patterns above do not match. */
    private static final Pattern UNCLEAR = Pattern.compile("[^\\x00-\\x7f]|\\d_|\\d{19}|[iI][nN][fF]|[nN][aA][nN]");

    private final Budget budget;
    private final Comparison comparison;

    Filters(Budget budget, Comparison comparison) {
        this.budget = budget;
        this.comparison = comparison;
    }

    Object apply(Object value, String name, Arguments arguments) {
        if (value instanceof Safe) {
            throw TemplateException.unsupported("a filter after 'safe'");
        }
        return switch (name) {
            case "default", "d" -> {
                Bound given = arguments.bind(name, 0, "default_value", "boolean");
                boolean missing = value instanceof Undefined || given.truth(1, false) && !Values.truth(value);
                yield missing ? given.get(0).orElse("") : value;
            }
            case "tojson" -> JsonText.of(value, arguments, budget);
            case "length", "count" -> {
                arguments.bind(name, 0);
                if (value instanceof String text) {
                    budget.text(text);
                }
                yield Values.length(value);
            }
            case "join" -> join(value, arguments.bind(name, 0, "d", "attribute"));
            case "safe" -> {
                arguments.bind(name, 0);
                yield new Safe(Printed.text(value, budget));
            }
            case "indent" -> {
                if (!(value instanceof String text)) {
                    throw new TemplateException("indent takes a string, not " + Values.typeName(value));
                }
                yield indented(budget.text(text), arguments.bind(name, 0, "width", "first", "blank"));
            }
            case "trim", "upper", "lower", "capitalize", "title", "replace", "string" ->
                text(budget.text(Printed.text(value, budget)), name, arguments);
            case "int", "float", "abs" -> number(value, name, arguments);
            case "map", "select", "reject", "selectattr", "rejectattr" -> new Generator(chosen(value, name, arguments));
            default -> sequence(value, name, arguments);
        };
    }

    private Object text(String text, String name, Arguments arguments) {
        switch (name) {
            case "trim" -> {
                return Methods.stripped(text, "strip", arguments, budget);
            }
            case "replace" -> {
                Bound given = arguments.bind(name, 2, "old", "new", "count");
                String old = Printed.text(given.get(0).orElseThrow(), budget);
                return StringValues.replace(
                        text, old, Printed.text(given.get(1).orElseThrow(), budget), given.integer(2, -1), budget);
            }
            default -> arguments.bind(name, 0);
        }
        budget.scanned(text.length());
        return switch (name) {
            case "upper" -> StringValues.upper(text);
            case "lower" -> StringValues.lower(text);
            case "capitalize" -> StringValues.capitalize(text);
            case "title" -> titled(text);
            default -> text;
        };
    }

    /** Unlike Python's title, words begin after spaces, hyphens and opening brackets only. */
    private String titled(String text) {
        budget.written(2L * text.length());
        StringBuilder out = new StringBuilder();
        boolean begin = true;
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(begin ? StringValues.upper(one) : StringValues.lower(one));
            begin = StringValues.isSpace(c) || "-({[<".indexOf(c) >= 0;
        }
        return out.toString();
    }

    private String indented(String text, Bound given) {
        String by = given.get(0)
                .filter(String.class::isInstance)
                .map(String.class::cast)
                .orElseGet(() -> " ".repeat(Math.min(1000, Math.max(0, given.integer(0, 4)))));
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Object line : Methods.lines(text + "\n", budget)) {
            boolean wanted = first ? given.truth(1, false) : given.truth(2, false) || !line.equals("");
            budget.append(out, (first ? "" : "\n") + (wanted ? by : ""));
            budget.append(out, (String) line);
            first = false;
        }
        return out.toString();
    }

    private String join(Object value, Bound given) {
        String between = Printed.text(given.get(0).orElse(""), budget);
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Object item : Values.items(value)) {
            Object part = given.given(1).map(path -> attribute(item, path)).orElse(item);
            budget.step();
            budget.append(out, first ? "" : between);
            budget.append(out, Printed.text(part, budget));
            first = false;
        }
        return out.toString();
    }

    private Object number(Object value, String name, Arguments arguments) {
        if (name.equals("abs")) {
            arguments.bind(name, 0);
            Object number = NumberValues.plain(value);
            return NumberValues.compare(number, 0L) < 0 ? NumberValues.negative(number) : number;
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        Bound given = arguments.bind(name, 0, "default");
        boolean whole = name.equals("int");
        Object number = value;
        if (value instanceof String text) {
            budget.scanned(text.length());
            String digits = StringValues.strip(text, "", true, true);
            if (whole && INTEGER.matcher(digits).matches()) {
                return Long.parseLong(digits);
            } else if (UNCLEAR.matcher(digits).find()) {
                throw TemplateException.unsupported("'" + name + "' of a text that is not a plain number");
            }
            number = FLOAT.matcher(digits).matches() ? (Object) Double.parseDouble(digits) : None.NONE;
        }
        if (number instanceof Boolean is) {
            number = is ? 1L : 0L;
        }
        if (number instanceof Double fraction && whole) {
            return NumberValues.integer(Long.toString(exact(fraction)));
        } else if (number instanceof Long integer) {
            return whole ? (Object) integer : (Object) integer.doubleValue();
        } else if (number instanceof Double) {
            return number;
        }
        return given.get(0).orElse(whole ? (Object) 0L : (Object) 0.0);
    }

    private static long exact(double value) {
        if (!(Math.abs(value) < 0x1p63)) {
            throw TemplateException.unsupported("an integer beyond 64 bits");
        }
        return (long) value;
    }

    /** As in jinja2, any false value (none, 0, undefined) gives no items. */
    private Iterator<Object> chosen(Object value, String name, Arguments arguments) {
        if (!Values.truth(value)) {
            return Collections.emptyIterator();
        }
        Stream<Object> items = items(value);
        List<Object> positional = arguments.positional();
        if (name.equals("map")) {
            return mapped(items, arguments).iterator();
        }
        boolean byAttribute = name.endsWith("attr");
        boolean wanted = name.startsWith("select");
        if (!arguments.named().isEmpty() || byAttribute && positional.isEmpty()) {
            throw new TemplateException(name + " takes an attribute and a test");
        }
        List<Object> rest = byAttribute ? positional.subList(1, positional.size()) : positional;
        return items.filter(item -> {
                    Object tested = byAttribute ? attribute(item, positional.get(0)) : item;
                    return wanted
                            == (rest.isEmpty()
                                    ? Values.truth(tested)
                                    : Tests.holds(
                                            tested,
                                            Printed.text(rest.get(0), budget),
                                            new Arguments(rest.subList(1, rest.size()), Map.of()),
                                            comparison));
                })
                .iterator();
    }

    /** Iterates lazily. */
    private Stream<Object> items(Object value) {
        return Generator.stream(Values.iterator(value, budget)).peek(item -> budget.step());
    }

    private Stream<Object> mapped(Stream<Object> items, Arguments arguments) {
        List<Object> positional = arguments.positional();
        if (positional.isEmpty()) {
            Bound given = new Arguments(List.of(), arguments.named()).bind("map", 1, "attribute", "default");
            return items.map(item -> {
                Object part = attribute(item, given.get(0).orElseThrow());
                return part instanceof Undefined ? given.get(1).orElse(part) : part;
            });
        }
        Arguments rest = new Arguments(positional.subList(1, positional.size()), arguments.named());
        return items.map(item -> apply(item, Printed.text(positional.get(0), budget), rest));
    }

    /** @param path names separated by dots, each looked up as a key first, then as an attribute */
    private Object attribute(Object of, Object path) {
        Object value = of;
        for (String name : Printed.text(path, budget).split("\\.", -1)) {
            value = Lookup.item(value, INTEGER.matcher(name).matches() ? Long.valueOf(name) : name, budget);
        }
        return value;
    }

    private Object sequence(Object value, String name, Arguments arguments) {
        switch (name) {
            case "first", "last", "list", "reverse", "items" -> arguments.bind(name, 0);
            case "sort" -> {
                if (!arguments.positional().isEmpty()
                        || !Set.of("attribute").containsAll(arguments.named().keySet())) {
                    throw TemplateException.unsupported("an argument of sort other than attribute");
                }
            }
            case "dictsort", "sum", "min", "max", "unique" -> {
                if (!arguments.positional().isEmpty() || !arguments.named().isEmpty()) {
                    throw TemplateException.unsupported("an argument of " + name);
                }
            }
            default -> throw TemplateException.unsupported("the filter '" + name + "'");
        }
        if (name.equals("items")) {
            return new Generator(
                    value instanceof Undefined
                            ? Collections.emptyIterator()
                            : Methods.items(mapping(value), budget).items().iterator());
        } else if (name.equals("reverse") && value instanceof String text) {
            return new StringBuilder(budget.text(text)).reverse().toString();
        } else if (name.equals("last") && value instanceof Generator) {
            throw new TemplateException("an iterator has no last item");
        } else if (name.equals("first")) {
            Iterator<Object> items = Values.iterator(value, budget);
            return items.hasNext() ? items.next() : new Undefined("first");
        } else if (name.equals("unique")) {
            Set<Object> seen = new HashSet<>();
            return new Generator(items(value)
                    .filter(item -> seen.add(Values.key(folded(item))))
                    .iterator());
        }
        List<Object> items = budget.items(Values.items(value));
        return switch (name) {
            case "list" -> new ArrayList<>(items);
            case "last" -> items.isEmpty() ? new Undefined("last") : items.get(items.size() - 1);
            case "reverse" ->
                value instanceof Generator
                        ? reversed(items)
                        : new Generator(reversed(items).iterator());
            case "sum" -> items.stream().reduce(0L, (a, b) -> NumberValues.arithmetic("+", a, b));
            case "dictsort" ->
                sorted(Methods.items(mapping(value), budget).items(), pair -> folded(((Tuple) pair).get(0)));
            case "sort" -> sorted(items, sortKey(arguments.named().getOrDefault("attribute", None.NONE)));
            default -> extreme(items, name);
        };
    }

    private static Map<?, ?> mapping(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new TemplateException(Values.typeName(value) + " has no items");
    }

    private static List<Object> reversed(List<Object> items) {
        Object[] reversed = new Object[items.size()];
        Arrays.setAll(reversed, i -> items.get(reversed.length - 1 - i));
        return List.of(reversed);
    }

    /** jinja2 compares strings without case by default. */
    private Object folded(Object value) {
        if (value instanceof String text) {
            budget.scanned(text.length());
            return StringValues.lower(text);
        }
        return value;
    }

    private List<Object> sorted(List<Object> items, UnaryOperator<Object> key) {
        List<Object> sorted = new ArrayList<>(items);
        sorted.sort((a, b) -> comparison.compare(key.apply(a), key.apply(b)));
        return sorted;
    }

    /** With an attribute, jinja2 compares lists of one value: two that are undefined are equal, not an error. */
    private UnaryOperator<Object> sortKey(Object path) {
        if (path == None.NONE) {
            return this::folded;
        } else if (Printed.text(path, budget).contains(",")) {
            throw TemplateException.unsupported("sorting by several attributes");
        }
        return item -> List.of(folded(attribute(item, path)));
    }

    private Object extreme(List<Object> items, String name) {
        int sign = name.equals("max") ? 1 : -1;
        Optional<Object> most =
                items.stream().reduce((a, b) -> sign * comparison.compare(folded(b), folded(a)) > 0 ? b : a);
        return most.orElse(new Undefined(name));
    }
}
