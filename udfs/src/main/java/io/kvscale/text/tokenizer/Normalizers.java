package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/** Checks normalizers: what they insert, delete and search for. */
final class Normalizers {
    /** U+FDFA: 3 bytes become 33. */
    static final int COMPATIBILITY = 11;

    private Normalizers() {}

    /** @return a copy with the checked fields only */
    static ObjectNode check(Part part, Effort effort) {
        effort.add(part);
        switch (part.type()) {
            case "Sequence" -> {
                ArrayNode all = part.copy().putArray("normalizers");
                part.parts("normalizers").forEach(inner -> all.add(check(inner, effort)));
            }
            case "NFC", "NFD" -> effort.decompose(3, part);
            case "NFKC", "NFKD" -> effort.decompose(COMPATIBILITY, part);
            case "Lowercase" -> effort.grow(1.5, part);
            case "StripAccents", "Nmt" -> effort.shrink();
            case "Strip" -> {
                part.flag("strip_left");
                part.flag("strip_right");
                effort.shrink();
            }
            case "BertNormalizer" -> bert(part, effort);
            // The byte 0x00 becomes \u0100, in NFKD A and a macron.
            case "ByteLevel" -> effort.grow(3, part);
            case "Precompiled" -> Charsmap.check(part, effort);
            case "Prepend" -> {
                String prepend = part.string("prepend", 16);
                if (prepend.isEmpty()) {
                    throw part.bad("prepend is empty");
                }
                effort.grow(1 + Effort.bytes(prepend), part);
                effort.inserts(prepend);
            }
            case "Replace" -> replace(part, effort);
            default -> throw part.bad("kvscale does not know this type of normalizer");
        }
        return part.copy();
    }

    private static void bert(Part part, Effort effort) {
        part.flag("clean_text");
        part.flag("handle_chinese_chars");
        part.flag("lowercase");
        part.flagIfPresent("strip_accents");
        effort.grow(3, part);
        effort.shrink();
    }

    private static void replace(Part part, Effort effort) {
        String content = part.string("content", Part.MAX_STRING);
        boolean regex = part.isRegex("pattern");
        String pattern = part.pattern("pattern", regex ? Regex.MAX_LENGTH : Part.MAX_STRING);
        int shortest = regex ? Regex.check(pattern, part, effort) : pattern.getBytes(StandardCharsets.UTF_8).length;
        if (shortest == 0) {
            throw part.bad(pattern.isEmpty() ? "its pattern is empty" : "its pattern matches the empty text");
        }
        effort.grow((double) Effort.bytes(content) / shortest, part);
        effort.inserts(content);
        if (content.isBlank()) {
            effort.shrink();
        }
    }
}
