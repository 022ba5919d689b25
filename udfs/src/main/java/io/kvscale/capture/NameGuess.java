package io.kvscale.capture;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Patterns for the names of tensors that look like K and V: names with a number and a word such as {@code k} or {@code keys},
 * which occur again with {@code v} or {@code values} in its place.
 *
 * @param keys a regular expression for K, as {@code key.tensors} of a recipe
 * @param values the same for V
 */
record NameGuess(String keys, String values) {
    private static final Pattern KEY_WORD = Pattern.compile("(?i)(?<![a-z])(keys|key|k)(?![a-z])");
    private static final Pattern NUMBER = Pattern.compile("\\d{1,4}");

    /** Names with other characters need quotes that a recipe in one line does not show well. */
    private static final Pattern PLAIN = Pattern.compile("[\\w./:-]{1,120}");

    /** The patterns that match most of the names; null if no two names are alike. */
    static @Nullable NameGuess of(List<String> names) {
        Set<String> all = new HashSet<>(names);
        Map<NameGuess, Long> matches = new TreeMap<>(Comparator.comparing(NameGuess::keys));
        for (String name : names) {
            Matcher word = KEY_WORD.matcher(name);
            while (PLAIN.matcher(name).matches() && word.find()) {
                String other = name.substring(0, word.start()) + valueWord(word.group()) + name.substring(word.end());
                Matcher number = NUMBER.matcher(name);
                while (all.contains(other) && number.find()) {
                    NameGuess guess = new NameGuess(
                            pattern(name, number.start(), number.end()),
                            pattern(other, number.start() + shift(word, number), number.end() + shift(word, number)));
                    matches.merge(guess, 1L, Long::sum);
                }
            }
        }
        return matches.entrySet().stream()
                .max(Map.Entry.<NameGuess, Long>comparingByValue()
                        .thenComparing(entry -> entry.getKey().keys(), Comparator.reverseOrder()))
                .map(Map.Entry::getKey)
                .orElse(null);
    }

    /** How far a number behind the word moves when the word is replaced. */
    private static int shift(Matcher word, Matcher number) {
        return number.start() < word.start()
                ? 0
                : valueWord(word.group()).length() - word.group().length();
    }

    private static String valueWord(String keyWord) {
        String word = switch (keyWord.toLowerCase(Locale.ROOT)) {
            case "k" -> "v";
            case "key" -> "value";
            default -> "values";
        };
        if (Character.isLowerCase(keyWord.charAt(0))) {
            return word;
        }
        return keyWord.length() > 1 && Character.isLowerCase(keyWord.charAt(1))
                ? Character.toUpperCase(word.charAt(0)) + word.substring(1)
                : word.toUpperCase(Locale.ROOT);
    }

    private static String pattern(String name, int from, int to) {
        return "^" + escaped(name.substring(0, from)) + "(?P<layer>\\d+)" + escaped(name.substring(to)) + "$";
    }

    private static String escaped(String literal) {
        return literal.replace(".", "\\.");
    }
}
