package io.kvscale.jinja;

import java.util.List;
import java.util.function.Supplier;

/** Carries statements out and gathers their text. */
final class Renderer {
    private static final int MAX_CALLS = 50;

    /** How a body ended. */
    private enum End {
        NORMAL,
        BREAK,
        CONTINUE
    }

    private final Budget budget = new Budget();
    private final Evaluator evaluator = new Evaluator(budget);
    private int calls;

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
            append(at(print.line(), () -> Printed.text(evaluator.value(print.value(), scope))), out);
        } else if (statement instanceof Statement.If choice) {
            boolean then = at(choice.line(), () -> Values.truth(evaluator.value(choice.condition(), scope)));
            return run(then ? choice.then() : choice.otherwise(), scope, out);
        } else if (statement instanceof Statement.For loop) {
            loop(loop, scope, out);
        } else if (statement instanceof Statement.Set set) {
            Object value = at(set.line(), () -> evaluator.value(set.value(), scope));
            assign(set.targets(), value, scope, set.line());
        } else if (statement instanceof Statement.SetBlock block) {
            Scope inner = new Scope(scope);
            inner.set(Statement.SetBlock.BLOCK, render(block.body(), new Scope(scope)));
            Object value = at(block.line(), () -> evaluator.value(block.filtered(), inner));
            set(scope, block.target(), value, block.line());
        } else if (statement instanceof Statement.SetAttribute set) {
            Object value = at(set.line(), () -> evaluator.value(set.value(), scope));
            if (!(scope.get(set.namespace()) instanceof Namespace namespace)) {
                throw new TemplateException("attributes can be set on namespaces only").at(set.line());
            }
            namespace.attributes.put(set.name(), value);
        } else if (statement instanceof Statement.Macro macro) {
            set(scope, macro.name(), (Callable) arguments -> call(macro, arguments, scope), macro.line());
        } else if (statement instanceof Statement.Scoped scoped) {
            return run(scoped.body(), new Scope(scope), out);
        } else {
            return statement instanceof Statement.Break ? End.BREAK : End.CONTINUE;
        }
        return End.NORMAL;
    }

    private void append(String text, StringBuilder out) {
        budget.text((long) out.length() / 64 + text.length());
        if (out.length() > Budget.MAX_TEXT - text.length()) {
            throw new TemplateException("the template makes a text above " + Budget.MAX_TEXT + " characters");
        }
        out.append(text);
    }

    private void loop(Statement.For loop, Scope scope, StringBuilder out) {
        List<Object> items = at(loop.line(), () -> budget.items(Values.items(evaluator.value(loop.over(), scope))));
        Expression test = loop.test();
        if (test != null) {
            items = items.stream()
                    .filter(item -> passes(loop, test, item, scope))
                    .toList();
        }
        if (items.isEmpty()) {
            run(loop.otherwise(), new Scope(scope), out);
            return;
        }
        Loop state = new Loop(items);
        End end = End.NORMAL;
        while (end != End.BREAK && state.advance()) {
            Scope inner = new Scope(scope);
            inner.set("loop", state);
            assign(loop.targets(), state.current(), inner, loop.line());
            end = run(loop.body(), inner, out);
        }
    }

    private boolean passes(Statement.For loop, Expression test, Object item, Scope scope) {
        Scope inner = new Scope(scope);
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

    private Object call(Statement.Macro macro, Arguments arguments, Scope around) {
        String[] names =
                macro.parameters().stream().map(Statement.Parameter::name).toArray(String[]::new);
        Arguments.Bound given = arguments.bind(macro.name(), 0, names);
        if (++calls > MAX_CALLS) {
            throw new TemplateException("macros call each other more than " + MAX_CALLS + " deep");
        }
        Scope inner = new Scope(around);
        for (int i = 0; i < names.length; i++) {
            Expression ifMissing = macro.parameters().get(i).ifMissing();
            Object missing = given.get(i).isPresent() || ifMissing == null
                    ? new Undefined(names[i])
                    : at(macro.line(), () -> evaluator.value(ifMissing, inner));
            inner.set(names[i], given.get(i).orElse(missing));
        }
        String text = render(macro.body(), inner);
        calls--;
        return text;
    }

    private static <T> T at(int line, Supplier<T> work) {
        try {
            return work.get();
        } catch (TemplateException e) {
            throw e.at(line);
        }
    }
}
