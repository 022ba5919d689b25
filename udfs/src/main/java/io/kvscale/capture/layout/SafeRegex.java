package io.kvscale.capture.layout;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression from an untrusted recipe, in RE2 syntax: matching takes linear time, the compiled size is bounded.
 * Serialized as text.
 */
final class SafeRegex implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final int MAX_LENGTH = 1_000;
    private static final int MAX_REPEATS = 1_000;
    // RE2/J recurses once for each instruction, and a step of a match takes time for each.
    private static final int MAX_PROGRAM = 2_500;

    private static final java.util.regex.Pattern REPEAT =
            java.util.regex.Pattern.compile("\\{(\\d{1,6})(?:,(\\d{0,6}))?\\}");

    private final String regex;
    private transient @Nullable Pattern compiled;

    private SafeRegex(String regex, Pattern compiled) {
        this.regex = regex;
        this.compiled = compiled;
    }

    /** @throws InvalidOptionException if it is too long, too large or not RE2 syntax */
    static SafeRegex compile(String regex) {
        if (regex.isEmpty() || regex.length() > MAX_LENGTH) {
            throw new InvalidOptionException(
                    regex.isEmpty()
                            ? "the regular expression is empty"
                            : "the regular expression has " + regex.length() + " characters",
                    "use 1 to " + MAX_LENGTH + " characters");
        }
        if (regex.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new InvalidOptionException(
                    "the regular expression '" + DataProblem.shown(regex)
                            + "' has an unpaired surrogate (such as \\ud83d alone), which is not a character",
                    "write the whole character");
        }
        if (repeats(regex) > MAX_REPEATS) {
            throw tooLarge(regex);
        }
        Pattern pattern;
        try {
            pattern = Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new InvalidOptionException(
                    "the regular expression '" + DataProblem.shown(regex) + "' does not compile: "
                            + DataProblem.shown(e.getDescription() + " " + e.getPattern()),
                    "use RE2 syntax, which has no look-around and no back-references");
        }
        if (pattern.programSize() > MAX_PROGRAM) {
            throw tooLarge(regex);
        }
        return new SafeRegex(regex, pattern);
    }

    /** The product of all repeat counts, such as {5}: an upper bound for how often nested repeats copy their content. */
    private static long repeats(String regex) {
        java.util.regex.Matcher counts = REPEAT.matcher(regex);
        long product = 1;
        while (product <= MAX_REPEATS && counts.find()) {
            String upper = counts.group(2);
            long most = Long.parseLong(upper == null || upper.isEmpty() ? counts.group(1) : upper);
            product *= Math.max(1, most);
        }
        return product;
    }

    private static InvalidOptionException tooLarge(String regex) {
        return new InvalidOptionException(
                "the regular expression '" + DataProblem.shown(regex) + "' repeats too much",
                "use +, * or smaller counts; all counts multiplied may reach " + MAX_REPEATS);
    }

    Matcher matcher(String text) {
        return pattern().matcher(text);
    }

    boolean find(String text) {
        return pattern().matcher(text).find();
    }

    /** The number of compiled instructions: a match takes up to this number of steps for each character. */
    int size() {
        return pattern().programSize();
    }

    boolean hasGroup(String name) {
        return pattern().namedGroups().containsKey(name);
    }

    private Pattern pattern() {
        Pattern known = compiled;
        if (known == null) {
            known = Pattern.compile(regex);
            compiled = known;
        }
        return known;
    }

    @Override
    public String toString() {
        return regex;
    }
}
