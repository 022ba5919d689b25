package io.kvscale.jinja;

import io.kvscale.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Parses tags: if, for, set, macro, call and filter; break, continue and generation, which transformers adds. */
final class StatementParser {
    private static final Set<String> TOP = Set.of();

    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int loops;
    private int macros;

    private StatementParser(List<Token> tokens) {
        this.tokens = new Tokens(tokens);
        this.expressions = new ExpressionParser(this.tokens);
    }

    static List<Statement> parse(String source) {
        return new StatementParser(Lexer.tokens(source)).body(TOP);
    }

    /** Statements up to a tag with one of these names; the name is the next token. */
    private List<Statement> body(Set<String> until) {
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case TEXT -> body.add(new Statement.Text(token.text()));
                case OUTPUT_BEGIN -> {
                    body.add(new Statement.Print(expressions.tuple(true), token.line()));
                    tokens.expect(Kind.OUTPUT_END);
                }
                case TAG_BEGIN -> {
                    Token name = tokens.peek();
                    if (name.kind() == Kind.NAME && until.contains(name.text())) {
                        return body;
                    }
                    body.addAll(tag(tokens.expect(Kind.NAME)));
                }
                default -> {
                    if (until.isEmpty()) {
                        return body;
                    }
                    throw new TemplateException("a tag has no " + String.join(" or ", new TreeSet<>(until)))
                            .at(token.line());
                }
            }
        }
    }

    private List<Statement> tag(Token name) {
        return switch (name.text()) {
            case "if" -> List.of(conditional(name.line()));
            case "for" -> List.of(loop(name.line()));
            case "set" -> List.of(assignment(name.line()));
            case "macro" -> List.of(macro(name.line()));
            case "call" -> List.of(callBlock(name.line()));
            case "filter" -> List.of(filterBlock(name.line()));
            case "generation" -> List.of(generation(name.line()));
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new TemplateException(name.text() + " outside a loop").at(name.line());
                }
                end();
                yield List.of(name.text().equals("break") ? new Statement.Break() : new Statement.Continue());
            }
            default ->
                throw TemplateException.unsupported("the tag '" + name.text() + "'")
                        .at(name.line());
        };
    }

    private void end() {
        tokens.expect(Kind.TAG_END);
    }

    private Statement conditional(int line) {
        Expression condition = expressions.tuple(false);
        end();
        List<Statement> then = body(Set.of("elif", "else", "endif"));
        Token next = tokens.next();
        if (next.text().equals("elif")) {
            return new Statement.If(condition, then, List.of(conditional(next.line())), line);
        }
        List<Statement> otherwise = List.of();
        if (next.text().equals("else")) {
            end();
            otherwise = body(Set.of("endif"));
            tokens.next();
        }
        end();
        return new Statement.If(condition, then, otherwise, line);
    }

    private Statement loop(int line) {
        List<String> targets = targets();
        if (!tokens.takeName("in")) {
            throw tokens.unexpected();
        }
        Expression over = expressions.tuple(false);
        Expression test = tokens.takeName("if") ? expressions.expression() : null;
        if (tokens.isName("recursive")) {
            throw TemplateException.unsupported("a recursive loop").at(line);
        }
        end();
        loops++;
        List<Statement> body = body(Set.of("else", "endfor"));
        loops--;
        List<Statement> otherwise = List.of();
        if (tokens.next().text().equals("else")) {
            end();
            otherwise = body(Set.of("endfor"));
            tokens.next();
        }
        end();
        return new Statement.For(targets, over, test, body, otherwise, line);
    }

    private List<String> targets() {
        boolean parentheses = tokens.takeOperator("(");
        List<String> names = new ArrayList<>();
        do {
            names.add(target());
        } while (tokens.takeOperator(","));
        if (parentheses) {
            tokens.expectOperator(")");
        }
        return names;
    }

    private String target() {
        Token name = tokens.expect(Kind.NAME);
        if (Set.of("true", "false", "none", "True", "False", "None", "loop").contains(name.text())) {
            throw new TemplateException("cannot assign to '" + name.text() + "'").at(name.line());
        } else if (macros > 0 && Statement.Macro.IMPLIED.contains(name.text())) {
            throw TemplateException.unsupported("assigning to '" + name.text() + "' in a macro")
                    .at(name.line());
        }
        return name.text();
    }

    private Statement assignment(int line) {
        List<String> targets = targets();
        if (targets.size() == 1 && tokens.takeOperator(".")) {
            String name = tokens.expect(Kind.NAME).text();
            tokens.expectOperator("=");
            Expression value = expressions.tuple(true);
            end();
            return new Statement.SetAttribute(targets.get(0), name, value, line);
        }
        if (tokens.takeOperator("=")) {
            Expression value = expressions.tuple(true);
            end();
            return new Statement.Set(targets, value, line);
        }
        if (targets.size() > 1) {
            throw tokens.unexpected();
        }
        Expression text = new Expression.Name(Statement.BLOCK);
        Set<String> names = new HashSet<>();
        Set<String> around = expressions.gather(names);
        Expression filtered = tokens.takeOperator("|") ? expressions.onlyFilters(text) : text;
        expressions.gather(around);
        if (!names.isEmpty()) {
            throw TemplateException.unsupported("a variable in the filter of a set block")
                    .at(line);
        }
        end();
        List<Statement> body = outsideOfLoops("endset");
        return new Statement.SetBlock(targets.get(0), filtered, body, line);
    }

    private Statement macro(int line) {
        String name = target();
        List<Statement.Parameter> parameters = parameters();
        end();
        return block("macro", name, parameters, line);
    }

    private Statement callBlock(int line) {
        List<Statement.Parameter> parameters = tokens.isOperator("(") ? parameters() : List.of();
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw new TemplateException("a call block must contain a call").at(line);
        }
        end();
        Expression.Given given = call.given().with("caller", new Expression.Name(Statement.BLOCK), line);
        return new Statement.CallBlock(
                block("call", "call", parameters, line), new Expression.Call(call.function(), given), line);
    }

    private Statement filterBlock(int line) {
        Expression filtered = expressions.onlyFilters(new Expression.Name(Statement.BLOCK));
        end();
        return new Statement.FilterBlock(filtered, outsideOfLoops("endfilter"), line);
    }

    /** Marks assistant text for training; here it only gives its text. */
    private Statement generation(int line) {
        end();
        return new Statement.Generation(block("generation", "generation", List.of(), line));
    }

    private List<Statement.Parameter> parameters() {
        tokens.expectOperator("(");
        List<Statement.Parameter> parameters = new ArrayList<>();
        boolean defaults = false;
        while (!tokens.takeOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            int line = tokens.peek().line();
            String name = target();
            @Nullable Expression ifMissing = tokens.takeOperator("=") ? expressions.expression() : null;
            if (defaults && ifMissing == null) {
                throw new TemplateException("a parameter without a default follows one that has one").at(line);
            } else if (name.equals("caller")) {
                throw TemplateException.unsupported("a parameter 'caller'").at(line);
            } else if (parameters.stream().anyMatch(other -> other.name().equals(name))) {
                throw new TemplateException("two parameters have the name '" + name + "'").at(line);
            }
            defaults = ifMissing != null;
            parameters.add(new Statement.Parameter(name, ifMissing));
        }
        return parameters;
    }

    /** The body of a macro, call block or generation block, up to its end tag. */
    private Statement.Macro block(String tag, String name, List<Statement.Parameter> parameters, int line) {
        Set<String> implied = new HashSet<>();
        Set<String> around = expressions.gather(implied);
        macros++;
        List<Statement> body = outsideOfLoops("end" + tag);
        macros--;
        expressions.gather(around).retainAll(Statement.Macro.IMPLIED);
        around.addAll(implied);
        parameters.forEach(parameter -> implied.remove(parameter.name()));
        return new Statement.Macro(name, parameters, implied, body, line);
    }

    /** A body in which break and continue cannot reach an enclosing loop. */
    private List<Statement> outsideOfLoops(String end) {
        int outer = loops;
        loops = 0;
        List<Statement> body = body(Set.of(end));
        loops = outer;
        tokens.next();
        end();
        return body;
    }
}
