package io.kvscale.text;

import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rejects unpaired surrogates: UTF-8 cannot encode them, and a tokenizer would see another character. */
final class UnicodeText {
    private UnicodeText() {}

    static void check(String text) {
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new InvalidDataException(
                    "the text has an unpaired surrogate (such as \\ud83d alone), which is not a character",
                    "remove this record, or write the whole character");
        }
    }

    /** Checks every string in a JSON value. */
    static void checkAll(@Nullable Object value) {
        if (value instanceof String text) {
            check(text);
        } else if (value instanceof List<?> list) {
            list.forEach(UnicodeText::checkAll);
        } else if (value instanceof Map<?, ?> map) {
            map.keySet().forEach(UnicodeText::checkAll);
            map.values().forEach(UnicodeText::checkAll);
        }
    }

    /** The size of the text in UTF-8. */
    static long bytes(String text) {
        return text.codePoints()
                .mapToLong(c -> c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4)
                .sum();
    }
}
