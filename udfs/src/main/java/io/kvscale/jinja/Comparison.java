package io.kvscale.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Python's {@code ==}, {@code <} and {@code in}; comparisons count as work. */
final class Comparison {
    private final Budget budget;

    Comparison(Budget budget) {
        this.budget = budget;
    }

    boolean equal(Object left, Object right) {
        budget.value();
        if (left instanceof Safe || right instanceof Safe) {
            throw TemplateException.unsupported("comparing the result of 'safe'");
        } else if (left instanceof View || right instanceof View) {
            throw TemplateException.unsupported("comparing views of mappings or ranges");
        } else if (NumberValues.isNumber(left) && NumberValues.isNumber(right)) {
            return NumberValues.compare(left, right) == 0;
        } else if (left instanceof Undefined) {
            return right instanceof Undefined;
        } else if (left instanceof List<?> ours && right instanceof List<?> theirs) {
            return ours instanceof Tuple == theirs instanceof Tuple && equalItems(ours, theirs);
        } else if (left instanceof Map<?, ?> ours && right instanceof Map<?, ?> theirs) {
            return ours.size() == theirs.size()
                    && ours.entrySet().stream()
                            .allMatch(entry -> theirs.containsKey(entry.getKey())
                                    && equal(entry.getValue(), theirs.get(entry.getKey())));
        } else if (left instanceof String ours && right instanceof String theirs) {
            budget.text(Math.min(ours.length(), theirs.length()));
        }
        return left.equals(right);
    }

    private boolean equalItems(List<?> left, List<?> right) {
        if (left.size() != right.size()) {
            return false;
        }
        Iterator<?> others = right.iterator();
        for (Object item : left) {
            if (!equal(item, others.next())) {
                return false;
            }
        }
        return true;
    }

    /** Compares two numbers, strings or sequences of one type. */
    int compare(Object left, Object right) {
        budget.value();
        if (NumberValues.isNumber(left) && NumberValues.isNumber(right)) {
            return NumberValues.compare(left, right);
        } else if (left instanceof String ours && right instanceof String theirs) {
            budget.text(Math.min(ours.length(), theirs.length()));
            return StringValues.compare(ours, theirs);
        } else if (left instanceof List<?> ours
                && right instanceof List<?> theirs
                && ours instanceof Tuple == theirs instanceof Tuple) {
            for (int i = 0; i < Math.min(ours.size(), theirs.size()); i++) {
                if (!equal(ours.get(i), theirs.get(i))) {
                    return compare(ours.get(i), theirs.get(i));
                }
            }
            return Integer.compare(ours.size(), theirs.size());
        }
        throw new TemplateException("cannot compare " + Values.typeName(left) + " with " + Values.typeName(right));
    }

    boolean contains(Object container, Object item) {
        if (container instanceof String text) {
            if (item instanceof String part) {
                budget.search(text, part);
                return text.contains(part);
            }
            throw new TemplateException("'in' a string takes a string, not " + Values.typeName(item));
        } else if (container instanceof Map<?, ?> map) {
            return map.containsKey(Values.key(item));
        }
        for (Iterator<Object> items = Values.iterator(container, budget); items.hasNext(); ) {
            if (equal(items.next(), item)) {
                return true;
            }
        }
        return false;
    }
}
