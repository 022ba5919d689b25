package io.kvscale.jinja;

import io.kvscale.jinja.Expression.Given;
import io.kvscale.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses jinja2's expressions; methods are in order of precedence, lowest first. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    /** Names that cannot begin the argument of a test without parentheses. */
    private static final Set<String> NO_ARGUMENT = Set.of("else", "or", "and");

    private final Tokens tokens;
    private Set<String> read = new HashSet<>();

    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    /**
     * Collects the names that expressions read from here on in this set.
     *
     * @return the set that collected them before
     */
    Set<String> gather(Set<String> names) {
        Set<String> before = read;
        read = names;
        return before;
    }

    /** An expression, or a tuple of expressions separated by commas. */
    Expression tuple(boolean conditional) {
        Expression first = conditional ? expression() : or();
        if (!tokens.isOperator(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.takeOperator(",") && !atEndOfTuple()) {
            items.add(conditional ? expression() : or());
        }
        return new Expression.TupleOf(items);
    }

    private boolean atEndOfTuple() {
        Kind kind = tokens.peek().kind();
        return kind == Kind.OUTPUT_END || kind == Kind.TAG_END || tokens.isOperator(")");
    }

    Expression expression() {
        Expression value = or();
        while (tokens.takeName("if")) {
            Expression condition = or();
            value = new Expression.Conditional(condition, value, tokens.takeName("else") ? expression() : null);
        }
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (tokens.takeName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.takeName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        return tokens.takeName("not") ? new Expression.Not(not()) : comparison();
    }

    private Expression comparison() {
        Expression first = sum();
        List<Map.Entry<String, Expression>> others = new ArrayList<>();
        while (true) {
            if (tokens.peek().kind() == Kind.OPERATOR
                    && COMPARISONS.contains(tokens.peek().text())) {
                others.add(Map.entry(tokens.next().text(), sum()));
            } else if (tokens.takeName("in")) {
                others.add(Map.entry("in", sum()));
            } else if (tokens.isNotIn()) {
                tokens.next();
                tokens.next();
                others.add(Map.entry("not in", sum()));
            } else {
                return others.isEmpty() ? first : new Expression.Compare(first, others);
            }
        }
    }

    private Expression sum() {
        Expression left = concatenation();
        while (tokens.isOperator("+") || tokens.isOperator("-")) {
            left = new Expression.Arithmetic(tokens.next().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        List<Expression> parts = new ArrayList<>(List.of(product()));
        while (tokens.takeOperator("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.get(0) : new Expression.Concatenation(parts);
    }

    private Expression product() {
        Expression left = power();
        while (tokens.isOperator("*") || tokens.isOperator("/") || tokens.isOperator("//") || tokens.isOperator("%")) {
            left = new Expression.Arithmetic(tokens.next().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (tokens.isOperator("**")) {
            left = new Expression.Arithmetic(tokens.next().text(), left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean filtered) {
        Expression value;
        if (tokens.isOperator("-") || tokens.isOperator("+")) {
            boolean negative = tokens.next().text().equals("-");
            value = new Expression.Signed(unary(false), negative);
        } else {
            value = primary();
        }
        value = postfix(value);
        return filtered ? filters(value) : value;
    }

    private Expression primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case NAME -> named(token.text());
            case STRING -> string(token.text());
            case INTEGER -> new Expression.Literal(NumberValues.integer(token.text()));
            case FLOAT -> new Expression.Literal(Double.parseDouble(token.text().replace("_", "")));
            case OPERATOR -> bracketed(token);
            default -> throw new TemplateException("an expression is missing").at(token.line());
        };
    }

    private Expression named(String name) {
        return switch (name) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(None.NONE);
            default -> {
                read.add(name);
                yield new Expression.Name(name);
            }
        };
    }

    private Expression string(String first) {
        StringBuilder text = new StringBuilder(first);
        while (tokens.peek().kind() == Kind.STRING) {
            text.append(tokens.next().text());
        }
        return new Expression.Literal(text.toString());
    }

    private Expression bracketed(Token open) {
        switch (open.text()) {
            case "(" -> {
                if (tokens.takeOperator(")")) {
                    return new Expression.TupleOf(List.of());
                }
                Expression value = tuple(true);
                tokens.expectOperator(")");
                return value;
            }
            case "[" -> {
                List<Expression> items = new ArrayList<>();
                while (!tokens.takeOperator("]")) {
                    items.add(expression());
                    separator("]");
                }
                return new Expression.ListOf(items);
            }
            case "{" -> {
                List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
                while (!tokens.takeOperator("}")) {
                    Expression key = expression();
                    tokens.expectOperator(":");
                    entries.add(Map.entry(key, expression()));
                    separator("}");
                }
                return new Expression.DictOf(entries);
            }
            default -> throw new TemplateException("unexpected '" + open.text() + "'").at(open.line());
        }
    }

    private void separator(String closing) {
        if (!tokens.isOperator(closing)) {
            tokens.expectOperator(",");
        }
    }

    private Expression postfix(Expression of) {
        Expression value = of;
        while (true) {
            if (tokens.takeOperator(".")) {
                Token name = tokens.next();
                if (name.kind() == Kind.NAME) {
                    value = new Expression.Attribute(value, name.text());
                } else if (name.kind() == Kind.INTEGER) {
                    value = new Expression.Item(value, new Expression.Literal(NumberValues.integer(name.text())));
                } else {
                    throw new TemplateException("a name is missing after '.'").at(name.line());
                }
            } else if (tokens.takeOperator("[")) {
                value = subscript(value);
            } else if (tokens.isOperator("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression of) {
        Expression start = tokens.isOperator(":") ? null : expression();
        if (!tokens.takeOperator(":")) {
            tokens.expectOperator("]");
            return new Expression.Item(of, start == null ? new Expression.Literal(None.NONE) : start);
        }
        Expression stop = bound();
        Expression step = tokens.takeOperator(":") ? bound() : null;
        tokens.expectOperator("]");
        return new Expression.Slice(of, start, stop, step);
    }

    private @Nullable Expression bound() {
        return tokens.isOperator(":") || tokens.isOperator("]") ? null : expression();
    }

    /** A chain of filters, as in a filter block. */
    Expression onlyFilters(Expression of) {
        Expression value = filter(of);
        while (tokens.takeOperator("|")) {
            value = filter(value);
        }
        return value;
    }

    private Expression filter(Expression of) {
        String name = tokens.expect(Kind.NAME).text();
        return new Expression.Filter(of, name, tokens.isOperator("(") ? arguments() : Given.NONE);
    }

    private Expression filters(Expression of) {
        Expression value = of;
        while (true) {
            if (tokens.takeOperator("|")) {
                value = filter(value);
            } else if (tokens.takeName("is")) {
                value = test(value);
            } else if (tokens.isOperator("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression test(Expression of) {
        boolean negated = tokens.takeName("not");
        String name = tokens.expect(Kind.NAME).text();
        Given given = Given.NONE;
        if (tokens.isOperator("(")) {
            given = arguments();
        } else if (startsArgument()) {
            given = Given.of(List.of(postfix(primary())));
        }
        Expression test = new Expression.Test(of, name, given);
        return negated ? new Expression.Not(test) : test;
    }

    private boolean startsArgument() {
        Token token = tokens.peek();
        return switch (token.kind()) {
            case NAME -> {
                if (token.text().equals("is")) {
                    throw tokens.unexpected();
                }
                yield !NO_ARGUMENT.contains(token.text());
            }
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.text().equals("[") || token.text().equals("{");
            default -> false;
        };
    }

    private Given arguments() {
        tokens.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Given given = Given.of(positional);
        while (!tokens.takeOperator(")")) {
            Token token = tokens.peek();
            if (given.mapping() != null || given.sequence() != null && tokens.isOperator("*")) {
                throw tokens.unexpected();
            } else if (tokens.takeOperator("*")) {
                given = new Given(positional, given.named(), expression(), null);
            } else if (tokens.takeOperator("**")) {
                given = new Given(positional, given.named(), given.sequence(), expression());
            } else if (tokens.isNameOfArgument()) {
                tokens.next();
                tokens.expectOperator("=");
                given = given.with(token.text(), expression(), token.line());
            } else if (given.named().isEmpty() && given.sequence() == null) {
                positional.add(expression());
            } else {
                throw tokens.unexpected();
            }
            separator(")");
        }
        return given;
    }
}
