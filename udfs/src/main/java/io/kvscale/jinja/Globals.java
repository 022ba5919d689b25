package io.kvscale.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The functions that every template can call. */
final class Globals {
    private static final int MAX_RANGE = 100_000;

    /** Globals of jinja2 that are not supported: using one must fail, not give an undefined value. */
    private static final Set<String> OTHERS = Set.of("cycler", "joiner", "lipsum", "self");

    /**
     * The date that templates see as today, which is the default of Llama 3's template. A real clock would change token ids,
     * and so scales, every day.
     */
    private static final LocalDateTime TODAY = LocalDateTime.of(2024, 7, 26, 0, 0);

    private Globals() {}

    static Object get(String name, Budget budget) {
        if (OTHERS.contains(name)) {
            throw TemplateException.unsupported("'" + name + "'");
        }
        return switch (name) {
            case "namespace" -> (Callable) Globals::namespace;
            case "dict" -> (Callable) Globals::mapping;
            case "range" -> (Callable) arguments -> range(arguments, budget);
            case "raise_exception" ->
                (Callable) arguments -> {
                    throw new TemplateException("raise_exception: "
                            + Printed.text(
                                    arguments.bind(name, 1, "message").get(0).orElseThrow(), budget));
                };
            case "strftime_now" ->
                (Callable) arguments -> today(arguments.bind(name, 1, "format").text(0), budget);
            default -> new Undefined(name);
        };
    }

    private static Object namespace(Arguments arguments) {
        Namespace namespace = new Namespace();
        namespace.attributes.putAll(named("namespace", arguments));
        return namespace;
    }

    private static Object mapping(Arguments arguments) {
        return new LinkedHashMap<Object, Object>(named("dict", arguments));
    }

    private static Map<String, Object> named(String function, Arguments arguments) {
        if (!arguments.positional().isEmpty()) {
            throw TemplateException.unsupported("a positional argument of " + function);
        }
        return arguments.named();
    }

    private static Object range(Arguments arguments, Budget budget) {
        Arguments.Bound given = arguments.bind("range", 1, "start", "stop", "step");
        boolean single = given.get(1).isEmpty();
        int start = single ? 0 : given.integer(0, 0);
        int stop = single ? given.integer(0, 0) : given.integer(1, 0);
        int step = given.integer(2, 1);
        if (step == 0) {
            throw new TemplateException("the step of a range must not be 0");
        }
        List<Object> items = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            if (items.size() == MAX_RANGE) {
                throw new TemplateException("a range has more than " + MAX_RANGE + " items");
            }
            items.add(i);
        }
        return new View(budget.items(items), true);
    }

    private static String today(String format, Budget budget) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            budget.scope();
            char what = ++i < format.length() ? format.charAt(i) : 0;
            String pattern = switch (what) {
                case 'Y' -> "yyyy";
                case 'y' -> "yy";
                case 'm' -> "MM";
                case 'd' -> "dd";
                case 'H' -> "HH";
                case 'M' -> "mm";
                case 'S' -> "ss";
                case 'j' -> "DDD";
                case 'B' -> "MMMM";
                case 'b' -> "MMM";
                case 'A' -> "EEEE";
                case 'a' -> "EEE";
                case '%' -> "'%'";
                default -> throw TemplateException.unsupported("the date format '" + format + "'");
            };
            out.append(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(TODAY));
        }
        return out.toString();
    }
}
