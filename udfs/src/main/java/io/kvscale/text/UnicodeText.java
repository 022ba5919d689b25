package io.kvscale.text;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Half of a surrogate pair is no character: UTF-8 cannot hold it, and a tokenizer would see something else. */
final class UnicodeText {
    private UnicodeText() {}

    static void check(String text) {
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new InvalidDataException(DataProblem.of(
                    "the text has half of a surrogate pair (such as \\ud83d alone), which is no character",
                    "leave this record out, or write the character whole"));
        }
    }

    /** Every string in a value of JSON. */
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

    /** The bytes of the text in UTF-8. */
    static long bytes(String text) {
        return text.codePoints()
                .mapToLong(c -> c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4)
                .sum();
    }
}
