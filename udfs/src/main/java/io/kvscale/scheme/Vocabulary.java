package io.kvscale.scheme;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** The valid words of one place in a recipe, in the order in which messages list them. */
public final class Vocabulary {
    private static final int MAX_LISTED = 16;
    private static final int MAX_COMPARED = 64;

    private final List<String> words;

    private Vocabulary(List<String> words) {
        this.words = words;
    }

    /** @param words at least one */
    public static Vocabulary of(String... words) {
        return new Vocabulary(List.of(words));
    }

    /** @param words at least one; equal ones count once */
    public static Vocabulary of(Stream<String> words) {
        return new Vocabulary(words.distinct().toList());
    }

    /** These words and those of {@code other}. */
    public Vocabulary and(Vocabulary other) {
        return new Vocabulary(
                Stream.concat(words.stream(), other.words.stream()).distinct().toList());
    }

    public boolean contains(String word) {
        return words.contains(word);
    }

    public List<String> words() {
        return words;
    }

    /** The valid word with the smallest edit distance to this one, ignoring case; the first one wins a tie. */
    public String nearest(String unknown) {
        String word = folded(unknown);
        return words.stream()
                .min(Comparator.comparingInt(known -> distance(word, folded(known))))
                .orElseThrow();
    }

    /** The Levenshtein distance between two words, ignoring case. */
    public static int distance(String a, String b) {
        return LevenshteinDistance.getDefaultInstance().apply(folded(a), folded(b));
    }

    /**
     * The nearest valid word as a remedy; {@code otherwise} if more than a third of the letters differ, and it does not
     * contain the unknown one. A hint at a word that means something else would mislead.
     */
    public String hint(String unknown, String otherwise) {
        String nearest = nearest(unknown);
        String word = folded(unknown);
        boolean near = 3 * distance(word, nearest) <= Math.max(nearest.length(), word.length()) + 1;
        boolean part = word.length() > 2 && folded(nearest).contains(word);
        return near || part ? "the nearest known one is '" + nearest + "'" : otherwise;
    }

    /** The remedy for an unknown word: the nearest valid word, and all valid words if there are at most 16 or none is near. */
    public String remedy(String unknown) {
        String known = "known here: " + String.join(", ", words);
        String hint = hint(unknown, known);
        return hint.equals(known) || words.size() > MAX_LISTED ? hint : hint + "; " + known;
    }

    private static String folded(String word) {
        return word.substring(0, Math.min(word.length(), MAX_COMPARED)).toLowerCase(Locale.ROOT);
    }
}
