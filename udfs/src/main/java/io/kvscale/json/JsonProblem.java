package io.kvscale.json;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says what is wrong with a JSON text. Jackson's own messages name its classes and settings. */
public final class JsonProblem {
    /** Words for the messages of Jackson that begin with a pattern; {@code $1} is a part of the message. */
    private static final Map<Pattern, String> WORDS = words();

    private JsonProblem() {}

    private static Map<Pattern, String> words() {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("Unexpected character \\('(.{1,2}?)' \\(code", "unexpected character $1");
        words.put("Unrecognized token '([^']{0,40})", "unknown word $1");
        words.put("Non-standard token '([^']{0,40})", "$1 is not a value of JSON");
        words.put("Unexpected end-of-input", "the text ends too early");
        words.put("Unexpected close marker '(.)'", "unexpected character $1");
        words.put("Duplicate (?:field|Object property) ['\"](.{0,100}).*['\"]", "duplicate name $1");
        words.put("Illegal (?:unquoted )?character", "a control character that is not escaped");
        words.put("Invalid UTF-8", "the text is not UTF-8");
        words.put("Unrecognized character escape", "an unknown character after a backslash");
        words.put("Invalid numeric value", "a number that JSON does not allow");
        words.put("Trailing token", "more text after the first value");
        words.put("Document nesting depth .* allowed \\((\\d+)", "values are nested more than $1 deep");
        words.put("String (?:value )?length .* allowed \\((\\d+)", "a string of more than $1 characters");
        words.put("Number (?:value )?length .* allowed \\((\\d+)", "a number of more than $1 characters");
        words.put("Name (?:value )?length .* allowed \\((\\d+)", "a name of more than $1 characters");
        words.put("Token count .* allowed \\((\\d+)", "more than $1 names, values and brackets");
        Map<Pattern, String> compiled = new LinkedHashMap<>();
        words.forEach((begin, said) -> compiled.put(Pattern.compile("^" + begin, Pattern.DOTALL), said));
        return compiled;
    }

    /**
     * What is wrong, such as {@code unexpected character }}.
     *
     * @param e of Jackson, for a text that is in memory
     */
    public static String what(IOException e) {
        if (!(e instanceof JsonProcessingException problem)) {
            // Jackson's readers of UTF-32 throw exceptions of the JDK.
            return "the text is not UTF-8";
        }
        for (Map.Entry<Pattern, String> words : WORDS.entrySet()) {
            Matcher found = words.getKey().matcher(problem.getOriginalMessage());
            if (found.find()) {
                String part = found.groupCount() > 0 ? found.group(1) : "";
                return words.getValue().replace("$1", part);
            }
        }
        return "malformed text";
    }

    /** {@link #what}, with line and column where they are known. */
    public static String whatAndWhere(IOException e) {
        JsonLocation at = e instanceof JsonProcessingException problem ? problem.getLocation() : null;
        return what(e)
                + (at == null || at.getLineNr() < 1
                        ? ""
                        : " at line " + at.getLineNr() + ", column " + Math.max(1, at.getColumnNr()));
    }
}
