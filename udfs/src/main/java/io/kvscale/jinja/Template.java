package io.kvscale.jinja;

import java.util.List;
import java.util.Map;

/**
 * A template of Jinja with the settings that transformers gives chat templates: {@code trim_blocks}, {@code
 * lstrip_blocks}, no escaping, {@code tojson} without escapes, {@code raise_exception}, {@code break}, {@code
 * continue}, {@code generation}. Thread-safe.
 *
 * <p>Templates are untrusted: they reach nothing but the variables, and text, steps and depth are bounded.
 */
public final class Template {
    private static final int MAX_SOURCE = 1 << 20;

    private final List<Statement> statements;

    private Template(List<Statement> statements) {
        this.statements = statements;
    }

    /** @throws TemplateException if it is not well formed, or has a tag that is not known here */
    public static Template parse(String source) {
        if (source.length() > MAX_SOURCE) {
            throw new TemplateException("the template has more than " + MAX_SOURCE + " characters");
        }
        try {
            return new Template(StatementParser.parse(source));
        } catch (StackOverflowError e) {
            throw new TemplateException("the template is nested too deep");
        }
    }

    /**
     * The text for these variables: strings, numbers, booleans, null, lists and maps of them.
     *
     * @throws TemplateException if it fails in jinja2 too, uses what is not known here, or goes beyond the bounds
     */
    public String render(Map<String, ?> variables) {
        return render(variables, new Budget());
    }

    String render(Map<String, ?> variables, Budget budget) {
        Scope context = new Scope(null);
        try {
            variables.forEach((name, value) -> context.set(name, Values.of(value)));
            return new Renderer(budget).render(statements, new Scope(context));
        } catch (StackOverflowError e) {
            throw new TemplateException("the template is nested too deep");
        }
    }
}
