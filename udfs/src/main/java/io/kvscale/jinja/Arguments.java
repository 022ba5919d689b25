package io.kvscale.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The arguments of a call. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /**
     * Assigns the arguments to parameters.
     *
     * @param required number of leading parameters without a default
     * @throws TemplateException if an argument is missing, given twice, or unknown
     */
    Bound bind(String function, int required, String... parameters) {
        if (positional.size() > parameters.length) {
            throw new TemplateException(function + " takes at most " + parameters.length
                    + " arguments in chat templates, not " + positional.size());
        }
        Object[] values = new Object[parameters.length];
        for (int i = 0; i < parameters.length; i++) {
            boolean byPlace = i < positional.size();
            if (byPlace && named.containsKey(parameters[i])) {
                throw new TemplateException(function + " got the argument '" + parameters[i] + "' twice");
            }
            values[i] = byPlace ? positional.get(i) : named.get(parameters[i]);
            if (values[i] == null && i < required) {
                throw new TemplateException(function + " needs the argument '" + parameters[i] + "'");
            }
        }
        for (String name : named.keySet()) {
            if (!List.of(parameters).contains(name)) {
                throw TemplateException.unsupported("the argument '" + name + "' of " + function);
            }
        }
        return new Bound(function, values);
    }

    /** Arguments in the order of the parameters. */
    static final class Bound {
        private final String function;
        private final Object[] values;

        private Bound(String function, Object[] values) {
            this.function = function;
            this.values = values;
        }

        Optional<Object> get(int index) {
            return Optional.ofNullable(values[index]);
        }

        /** The argument; None counts as not given. */
        Optional<Object> given(int index) {
            return get(index).filter(value -> value != None.NONE);
        }

        String text(int index) {
            return text(values[index]);
        }

        String text(int index, String ifMissing) {
            return given(index).map(this::text).orElse(ifMissing);
        }

        int integer(int index, int ifMissing) {
            return given(index).map(this::integer).orElse(ifMissing);
        }

        boolean truth(int index, boolean ifMissing) {
            return get(index).map(Values::truth).orElse(ifMissing);
        }

        private String text(Object value) {
            if (value instanceof String text) {
                return text;
            }
            throw new TemplateException(function + " takes a string, not " + Values.typeName(value));
        }

        private int integer(Object value) {
            if (value instanceof Long number && number == number.intValue()) {
                return number.intValue();
            }
            throw new TemplateException(function + " takes an integer, not " + Values.typeName(value));
        }
    }
}
