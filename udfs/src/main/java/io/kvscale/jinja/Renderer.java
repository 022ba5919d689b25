package io.kvscale.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Runs statements and collects their text. */
final class Renderer {
    private static final int MAX_CALLS = 50;

    /** How a body of statements ended. */
    private enum End {
        NORMAL,
        BREAK,
        CONTINUE
    }

    private final Budget budget;
    private final Evaluator evaluator;
    private int calls;

    Renderer(Budget budget) {
        this.budget = budget;
        this.evaluator = new Evaluator(budget);
    }

    String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        run(statements, scope, out);
        return out.toString();
    }

    private End run(List<Statement> statements, Scope scope, StringBuilder out) {
        for (Statement statement : statements) {
            End end = run(statement, scope, out);
            if (end != End.NORMAL) {
                return end;
            }
        }
        return End.NORMAL;
    }

    private End run(Statement statement, Scope scope, StringBuilder out) {
        budget.step();
        if (statement instanceof Statement.Text text) {
            append(text.text(), out);
        } else if (statement instanceof Statement.Print print) {
            append(at(print.line(), () -> Printed.text(evaluator.value(print.value(), scope), budget)), out);
        } else if (statement instanceof Statement.If choice) {
            boolean then = at(choice.line(), () -> Values.truth(evaluator.value(choice.condition(), scope)));
            return run(then ? choice.then() : choice.otherwise(), scope, out);
        } else if (statement instanceof Statement.For loop) {
            loop(loop, scope, out);
        } else if (statement instanceof Statement.Set set) {
            Object value = at(set.line(), () -> evaluator.value(set.value(), scope));
            assign(set.targets(), value, scope, set.line());
        } else if (statement instanceof Statement.SetBlock block) {
            Scope inner = inner(scope);
            scope.set(Statement.BLOCK, render(block.body(), inner));
            inner.end();
            Object value = at(block.line(), () -> evaluator.value(block.filtered(), scope));
            set(scope, block.target(), value, block.line());
        } else if (statement instanceof Statement.SetAttribute set) {
            Object value = at(set.line(), () -> evaluator.value(set.value(), scope));
            if (!(scope.get(set.namespace(), budget) instanceof Namespace namespace)) {
                throw new TemplateException("attributes can be set on namespaces only").at(set.line());
            }
            namespace.attributes.put(set.name(), value);
        } else if (statement instanceof Statement.Macro macro) {
            set(scope, macro.name(), (Callable) arguments -> call(macro, arguments, scope), macro.line());
        } else if (statement instanceof Statement.CallBlock block) {
            scope.set(Statement.BLOCK, (Callable) arguments -> call(block.block(), arguments, scope));
            append(written(block.line(), block.call(), scope), out);
        } else if (statement instanceof Statement.FilterBlock block) {
            Scope inner = inner(scope);
            inner.set(Statement.BLOCK, render(block.body(), inner));
            append(written(block.line(), block.filtered(), inner), out);
            inner.end();
        } else if (statement instanceof Statement.Generation generation) {
            append(call(generation.block(), Arguments.NONE, scope), out);
        } else {
            return statement instanceof Statement.Break ? End.BREAK : End.CONTINUE;
        }
        return End.NORMAL;
    }

    /** The text of a block; unlike the value of an expression, it must already be a string. */
    private String written(int line, Expression expression, Scope scope) {
        return at(line, () -> {
            Object value = evaluator.value(expression, scope);
            if (value instanceof String || value instanceof Safe) {
                return Printed.text(value, budget);
            }
            throw new TemplateException("a block gives " + Values.typeName(value) + ", expected a string");
        });
    }

    private Scope inner(Scope around) {
        budget.scope();
        return new Scope(around);
    }

    private void append(String text, StringBuilder out) {
        budget.append(out, text);
    }

    /** As in jinja2, the {@code else} of a loop runs unless at least one body ran to its end. */
    private void loop(Statement.For loop, Scope scope, StringBuilder out) {
        Iterator<Object> items = at(loop.line(), () -> Values.iterator(evaluator.value(loop.over(), scope), budget));
        Expression test = loop.test();
        Loop state = new Loop(test == null ? items : passing(loop, test, items, scope));
        Object item = at(loop.line(), state::advance);
        boolean finished = false;
        while (item != null) {
            Scope inner = inner(scope);
            inner.set("loop", state);
            assign(loop.targets(), item, inner, loop.line());
            End end = run(loop.body(), inner, out);
            inner.end();
            finished |= end == End.NORMAL;
            item = end == End.BREAK ? null : at(loop.line(), state::advance);
        }
        if (!finished) {
            Scope inner = inner(scope);
            run(loop.otherwise(), inner, out);
            inner.end();
        }
    }

    /** Tests an item only when its turn comes, because the body can change variables of the test. */
    private Iterator<Object> passing(Statement.For loop, Expression test, Iterator<Object> items, Scope scope) {
        return Generator.stream(items)
                .filter(item -> passes(loop, test, item, scope))
                .iterator();
    }

    private boolean passes(Statement.For loop, Expression test, Object item, Scope scope) {
        Scope inner = inner(scope);
        assign(loop.targets(), item, inner, loop.line());
        return at(loop.line(), () -> Values.truth(evaluator.value(test, inner)));
    }

    private static void assign(List<String> targets, Object value, Scope scope, int line) {
        List<Object> parts = targets.size() == 1 ? List.of(value) : at(line, () -> Values.items(value));
        if (parts.size() != targets.size()) {
            throw new TemplateException(parts.size() + " values for " + targets.size() + " names").at(line);
        }
        for (int i = 0; i < parts.size(); i++) {
            set(scope, targets.get(i), parts.get(i), line);
        }
    }

    private static void set(Scope scope, String name, Object value, int line) {
        at(line, () -> {
            scope.set(name, value);
            return value;
        });
    }

    private String call(Statement.Macro macro, Arguments arguments, Scope around) {
        if (around.hasEnded()) {
            throw TemplateException.unsupported("calling a macro after the end of the block that defines it");
        } else if (++calls > MAX_CALLS) {
            throw new TemplateException("macro calls are nested more than " + MAX_CALLS + " deep");
        }
        Scope inner = inner(around);
        for (Statement.Parameter missing : bind(macro, arguments, inner)) {
            Expression ifMissing = missing.ifMissing();
            if (ifMissing != null) {
                inner.set(missing.name(), at(macro.line(), () -> evaluator.value(ifMissing, inner)));
            }
        }
        String text = render(macro.body(), inner);
        calls--;
        return text;
    }

    /** Sets all parameters; returns those without an argument. */
    private static List<Statement.Parameter> bind(Statement.Macro macro, Arguments arguments, Scope inner) {
        List<Object> positional = arguments.positional();
        Map<Object, Object> named = new LinkedHashMap<>(arguments.named());
        List<Statement.Parameter> missing = new ArrayList<>();
        int places = macro.parameters().size();
        for (int place = 0; place < places; place++) {
            Statement.Parameter parameter = macro.parameters().get(place);
            Object given = place < positional.size() ? positional.get(place) : named.remove(parameter.name());
            if (given == null) {
                missing.add(parameter);
            }
            inner.set(parameter.name(), given == null ? new Undefined(parameter.name()) : given);
        }
        bindRest(macro, positional.subList(Math.min(places, positional.size()), positional.size()), named, inner);
        return missing;
    }

    /** Sets caller, kwargs and varargs from the remaining arguments. */
    private static void bindRest(
            Statement.Macro macro, List<Object> positional, Map<Object, Object> named, Scope inner) {
        if (macro.implied().contains("caller")) {
            Object caller = named.remove("caller");
            inner.set("caller", caller == null || caller == None.NONE ? new Undefined("caller") : caller);
        }
        if (macro.implied().contains("kwargs")) {
            inner.set("kwargs", named);
        } else if (!named.isEmpty()) {
            throw new TemplateException(macro.name() + " takes no argument '"
                    + named.keySet().iterator().next() + "'");
        }
        if (macro.implied().contains("varargs")) {
            inner.set("varargs", new Tuple(positional));
        } else if (!positional.isEmpty()) {
            throw new TemplateException(
                    macro.name() + " takes at most " + macro.parameters().size() + " arguments");
        }
    }

    private static <T extends @Nullable Object> T at(int line, Supplier<T> work) {
        try {
            return work.get();
        } catch (TemplateException e) {
            throw e.at(line);
        }
    }
}
