package io.kvscale.jinja;

import io.kvscale.jinja.Token.Kind;
import java.util.List;
import java.util.Locale;

/** A position in a list of tokens. */
final class Tokens {
    private final List<Token> tokens;
    private int at;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    boolean isName(String word) {
        return peek().is(Kind.NAME, word);
    }

    boolean isOperator(String sign) {
        return peek().is(Kind.OPERATOR, sign);
    }

    /** Whether the next two tokens are {@code not in}. */
    boolean isNotIn() {
        return isName("not") && tokens.get(at + 1).is(Kind.NAME, "in");
    }

    /** Whether the next two tokens are a name and {@code =}. */
    boolean isNameOfArgument() {
        return peek().kind() == Kind.NAME && tokens.get(at + 1).is(Kind.OPERATOR, "=");
    }

    boolean take(Kind kind, String text) {
        boolean found = peek().is(kind, text);
        at += found ? 1 : 0;
        return found;
    }

    boolean takeName(String word) {
        return take(Kind.NAME, word);
    }

    boolean takeOperator(String sign) {
        return take(Kind.OPERATOR, sign);
    }

    Token expect(Kind kind) {
        if (peek().kind() != kind) {
            throw unexpected();
        }
        return next();
    }

    void expectOperator(String sign) {
        if (!takeOperator(sign)) {
            throw unexpected();
        }
    }

    TemplateException unexpected() {
        Token token = peek();
        String shown = token.text().isEmpty() ? token.kind().name().toLowerCase(Locale.ROOT) : token.text();
        return new TemplateException("unexpected '" + shown.replace('\n', ' ') + "'").at(token.line());
    }
}
