package io.kvscale.json;

import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Escapes the control characters U+007F to U+009F, which JSON allows and terminals act on. */
final class ControlEscapes extends CharacterEscapes {
    private static final long serialVersionUID = 1L;

    private static final int FIRST = 0x7f;
    private static final int LAST = 0x9f;

    @Override
    public int[] getEscapeCodesForAscii() {
        int[] codes = standardAsciiEscapesForJSON();
        codes[FIRST] = ESCAPE_STANDARD;
        return codes;
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int character) {
        return character >= FIRST && character <= LAST
                ? new SerializedString(String.format(Locale.ROOT, "\\u%04X", character))
                : null;
    }
}
