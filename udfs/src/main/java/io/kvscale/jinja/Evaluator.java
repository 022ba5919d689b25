package io.kvscale.jinja;

import io.kvscale.jinja.Expression.Given;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions. */
final class Evaluator {
    /** Argument names that jinja2 reserves. */
    private static final List<String> TAKEN = List.of("self", "_loop_vars", "_block_vars");

    private final Budget budget;
    private final Filters filters;
    private final Comparison comparison;

    Evaluator(Budget budget) {
        this.budget = budget;
        this.comparison = new Comparison(budget);
        this.filters = new Filters(budget, comparison);
    }

    Object value(Expression expression, Scope scope) {
        budget.step();
        if (expression instanceof Expression.Literal literal) {
            return literal.value();
        } else if (expression instanceof Expression.Name name) {
            return scope.get(name.name(), budget);
        } else if (expression instanceof Expression.ListOf list) {
            return values(list.items(), scope);
        } else if (expression instanceof Expression.TupleOf tuple) {
            return new Tuple(values(tuple.items(), scope));
        } else if (expression instanceof Expression.DictOf dict) {
            Map<Object, Object> map = new LinkedHashMap<>();
            dict.entries()
                    .forEach(
                            entry -> map.put(Values.key(value(entry.getKey(), scope)), value(entry.getValue(), scope)));
            return map;
        } else if (expression instanceof Expression.Attribute attribute) {
            return Lookup.attribute(value(attribute.of(), scope), attribute.name(), budget);
        } else if (expression instanceof Expression.Item item) {
            return Lookup.item(value(item.of(), scope), value(item.key(), scope), budget);
        } else if (expression instanceof Expression.Slice slice) {
            Object of = value(slice.of(), scope);
            Object[] bounds = {bound(slice.start(), scope), bound(slice.stop(), scope), bound(slice.step(), scope)};
            return Lookup.slice(of, bounds, budget);
        } else if (expression instanceof Expression.Call call) {
            return call(value(call.function(), scope), call.given(), scope);
        } else if (expression instanceof Expression.Filter filter) {
            return filters.apply(value(filter.of(), scope), filter.name(), arguments(filter.given(), scope));
        } else if (expression instanceof Expression.Test test) {
            return Tests.holds(value(test.of(), scope), test.name(), arguments(test.given(), scope), comparison);
        }
        return operation(expression, scope);
    }

    private Object operation(Expression expression, Scope scope) {
        if (expression instanceof Expression.Not not) {
            return !Values.truth(value(not.of(), scope));
        } else if (expression instanceof Expression.Signed signed) {
            Object number = value(signed.of(), scope);
            return signed.negative() ? NumberValues.negative(number) : NumberValues.arithmetic("+", 0L, number);
        } else if (expression instanceof Expression.And and) {
            Object left = value(and.left(), scope);
            return Values.truth(left) ? value(and.right(), scope) : left;
        } else if (expression instanceof Expression.Or or) {
            Object left = value(or.left(), scope);
            return Values.truth(left) ? left : value(or.right(), scope);
        } else if (expression instanceof Expression.Conditional choice) {
            if (Values.truth(value(choice.condition(), scope))) {
                return value(choice.then(), scope);
            }
            return choice.otherwise() == null ? new Undefined("else") : value(choice.otherwise(), scope);
        } else if (expression instanceof Expression.Compare compare) {
            return compare(compare, scope);
        } else if (expression instanceof Expression.Arithmetic arithmetic) {
            return arithmetic(arithmetic.operator(), value(arithmetic.left(), scope), value(arithmetic.right(), scope));
        } else if (expression instanceof Expression.Concatenation concatenation) {
            StringBuilder out = new StringBuilder();
            for (Object part : values(concatenation.parts(), scope)) {
                budget.append(out, Printed.text(part, budget));
            }
            return out.toString();
        }
        throw new IllegalStateException(expression.getClass().getName());
    }

    private List<Object> values(List<Expression> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        expressions.forEach(expression -> values.add(value(expression, scope)));
        return values;
    }

    private Object bound(@Nullable Expression expression, Scope scope) {
        return expression == null ? None.NONE : value(expression, scope);
    }

    private Object call(Object function, Given given, Scope scope) {
        if (function instanceof Callable callable) {
            Arguments arguments = arguments(given, scope);
            if (!Collections.disjoint(arguments.named().keySet(), TAKEN)) {
                throw TemplateException.unsupported("an argument with one of the reserved names " + TAKEN);
            }
            return callable.call(arguments);
        } else if (function instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateException(Values.typeName(function) + " cannot be called");
    }

    private Arguments arguments(Given given, Scope scope) {
        if (given == Given.NONE) {
            return Arguments.NONE;
        }
        Map<String, Object> named = new LinkedHashMap<>();
        List<Object> positional = values(given.positional(), scope);
        if (given.sequence() != null) {
            positional.addAll(budget.items(Values.items(value(given.sequence(), scope))));
        }
        given.named().forEach((name, expression) -> named.put(name, value(expression, scope)));
        if (given.mapping() != null) {
            addNamed(value(given.mapping(), scope), named);
        }
        return new Arguments(positional, named);
    }

    private void addNamed(Object mapping, Map<String, Object> named) {
        if (!(mapping instanceof Map<?, ?> map)) {
            throw new TemplateException("'**' takes a mapping, not " + Values.typeName(mapping));
        }
        map.forEach((key, value) -> {
            budget.step();
            if (!(key instanceof String name)) {
                throw new TemplateException("argument names must be strings, not " + Values.typeName(key));
            } else if (named.put(name, value) != null) {
                throw new TemplateException("the argument '" + name + "' is given twice");
            }
        });
    }

    private boolean compare(Expression.Compare compare, Scope scope) {
        Object left = value(compare.first(), scope);
        for (Map.Entry<String, Expression> other : compare.others()) {
            Object right = value(other.getValue(), scope);
            boolean holds = switch (other.getKey()) {
                case "==" -> comparison.equal(left, right);
                case "!=" -> !comparison.equal(left, right);
                case "<" -> comparison.compare(left, right) < 0;
                case "<=" -> comparison.compare(left, right) <= 0;
                case ">" -> comparison.compare(left, right) > 0;
                case ">=" -> comparison.compare(left, right) >= 0;
                case "in" -> comparison.contains(right, left);
                default -> !comparison.contains(right, left);
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object arithmetic(String operator, Object left, Object right) {
        if (operator.equals("+") && left instanceof String a && right instanceof String b) {
            budget.text((long) a.length() + b.length());
            return a.concat(b);
        } else if (operator.equals("+") && Safe.isText(left) && Safe.isText(right)) {
            return new Safe((String) arithmetic("+", Safe.escaped(left, budget), Safe.escaped(right, budget)));
        } else if (operator.equals("+")
                && left instanceof List<?> a
                && right instanceof List<?> b
                && a instanceof Tuple == b instanceof Tuple) {
            List<Object> both = new ArrayList<>(a);
            both.addAll(b);
            budget.items(both);
            return a instanceof Tuple ? new Tuple(both) : both;
        } else if (operator.equals("*") && left instanceof String text && right instanceof Long times) {
            budget.text(text.length() * Math.max(0, Math.min(times, Integer.MAX_VALUE)));
            return text.repeat(Math.max(0, times.intValue()));
        } else if (operator.equals("%") && left instanceof String || operator.equals("*") && left instanceof List) {
            throw TemplateException.unsupported("'" + operator + "' after " + Values.typeName(left));
        }
        return NumberValues.arithmetic(operator, left, right);
    }
}
