package io.kvscale.jinja;

import java.util.List;
import java.util.Map;

/** The tests, which follow {@code is}. */
final class Tests {
    private Tests() {}

    static boolean holds(Object value, String name, Arguments arguments, Comparison comparison) {
        if (value instanceof Safe) {
            throw TemplateException.unsupported("a test of the result of 'safe'");
        }
        return switch (name) {
            case "eq",
                    "equalto",
                    "ne",
                    "lt",
                    "lessthan",
                    "le",
                    "gt",
                    "greaterthan",
                    "ge",
                    "in",
                    "sameas",
                    "divisibleby" ->
                with(value, name, arguments.bind(name, 1, "other").get(0).orElseThrow(), comparison);
            default -> {
                arguments.bind(name, 0);
                yield alone(value, name);
            }
        };
    }

    private static boolean with(Object value, String name, Object other, Comparison comparison) {
        return switch (name) {
            case "eq", "equalto" -> comparison.equal(value, other);
            case "ne" -> !comparison.equal(value, other);
            case "lt", "lessthan" -> comparison.compare(value, other) < 0;
            case "le" -> comparison.compare(value, other) <= 0;
            case "gt", "greaterthan" -> comparison.compare(value, other) > 0;
            case "ge" -> comparison.compare(value, other) >= 0;
            case "in" -> comparison.contains(other, value);
            case "divisibleby" -> NumberValues.arithmetic("%", value, other).equals(0L);
            default -> {
                boolean single = value == None.NONE || value instanceof Boolean;
                if (!single && !(other == None.NONE || other instanceof Boolean)) {
                    throw TemplateException.unsupported("'sameas' of values other than true, false and none");
                }
                yield value.equals(other);
            }
        };
    }

    private static boolean alone(Object value, String name) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "true" -> value.equals(true);
            case "false" -> value.equals(false);
            case "boolean" -> value instanceof Boolean;
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map;
            case "number" -> NumberValues.isNumber(value);
            case "integer" -> value instanceof Number && !(value instanceof Double);
            case "float" -> value instanceof Double;
            case "iterable" -> Values.isIterable(value);
            case "sequence" ->
                value instanceof String
                        || value instanceof List
                        || value instanceof Map
                        || value instanceof Undefined
                        || value instanceof View view && view.indexed();
            case "even" -> NumberValues.arithmetic("%", value, 2L).equals(0L);
            case "odd" -> NumberValues.arithmetic("%", value, 2L).equals(1L);
            default -> throw TemplateException.unsupported("the test '" + name + "'");
        };
    }
}
