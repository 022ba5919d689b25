package io.kvscale.jinja;

import java.util.List;
import java.util.Map;

/**
 * A chat template, with the settings and extensions of transformers: {@code trim_blocks}, {@code lstrip_blocks}, no
 * escaping, {@code tojson} without HTML escapes, {@code raise_exception}, {@code break}, {@code continue}, {@code
 * generation}. Thread-safe.
 *
 * <p>Templates are untrusted: they can only read the variables, and text, work and depth are bounded.
 */
public final class Template {
    private static final int MAX_SOURCE = 1 << 20;

    private final List<Statement> statements;

    private Template(List<Statement> statements) {
        this.statements = statements;
    }

    /** @throws TemplateException if the template is malformed or has an unsupported tag */
    public static Template parse(String source) {
        if (source.length() > MAX_SOURCE) {
            throw new TemplateException("the template has more than " + MAX_SOURCE + " characters");
        }
        try {
            return new Template(StatementParser.parse(source));
        } catch (StackOverflowError e) {
            throw new TemplateException("the template is nested too deeply");
        }
    }

    /**
     * Renders the template.
     *
     * @param variables strings, numbers, booleans, null, and lists and maps of them
     * @throws TemplateException if jinja2 would also fail, a feature is unsupported, or a bound is exceeded
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
            throw new TemplateException("the template is nested too deeply");
        }
    }
}
