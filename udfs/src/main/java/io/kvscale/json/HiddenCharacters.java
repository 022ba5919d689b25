package io.kvscale.json;

import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The characters that a reader does not see, or that act on a terminal: control and format characters, separators of lines
 * and paragraphs, invisible letters, halves of surrogate pairs and code points that are no characters. Untrusted names are
 * printed and written as JSON with the escapes of JSON in their place.
 *
 * <p>The ranges are listed here because {@link Character#getType} knows more characters on a newer JDK, and results have the
 * same bytes on all.
 */
public final class HiddenCharacters {
    /** The first and the last code point of each range, in ascending order. */
    private static final int[] RANGES = {
        0x0000, 0x001f, 0x007f, 0x009f, 0x00ad, 0x00ad, 0x0600, 0x0605, 0x061c, 0x061c, 0x06dd, 0x06dd, 0x070f, 0x070f,
        0x0890, 0x0891, 0x08e2, 0x08e2, 0x115f, 0x1160, 0x180e, 0x180e, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f,
        0x3164, 0x3164, 0xd800, 0xdfff, 0xfdd0, 0xfdef, 0xfeff, 0xfeff, 0xffa0, 0xffa0, 0xfff0, 0xfffb, 0xfffe, 0xffff,
        0x110bd, 0x110bd, 0x110cd, 0x110cd, 0x13430, 0x1343f, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0x1fffe, 0x1ffff,
        0x2fffe, 0x2ffff, 0x3fffe, 0x10ffff
    };

    private HiddenCharacters() {}

    /** Whether a code point is one of these. A surrogate is one, because it is only half of a pair here. */
    static boolean contains(int codePoint) {
        int at = Arrays.binarySearch(RANGES, codePoint);
        // Without a match: inside a range if an odd number of bounds is below.
        return at >= 0 || (-at - 1) % 2 != 0;
    }

    /** A text in which these characters are escapes; all others stay. */
    public static String escaped(String text) {
        if (text.codePoints().noneMatch(HiddenCharacters::contains)) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length() + 5);
        text.codePoints().forEach(c -> {
            if (contains(c)) {
                Character.toString(c).chars().forEach(unit -> out.append(escape(unit)));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    private static String escape(int unit) {
        return String.format(Locale.ROOT, "\\u%04X", unit);
    }

    /** The rule for JSON, where each half of a surrogate pair has an escape of its own. */
    static final class InJson extends CharacterEscapes {
        private static final long serialVersionUID = 1L;

        @Override
        public int[] getEscapeCodesForAscii() {
            int[] codes = standardAsciiEscapesForJSON();
            codes[0x7f] = ESCAPE_STANDARD;
            return codes;
        }

        @Override
        public @Nullable SerializableString getEscapeSequence(int unit) {
            return contains(unit) ? new SerializedString(escape(unit)) : null;
        }
    }
}
