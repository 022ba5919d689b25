package io.kvscale.text.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Checks pre-tokenizers. */
final class PreTokenizers {
    private static final List<String> BEHAVIORS =
            List.of("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");

    private PreTokenizers() {}

    /** @return a copy with the checked fields only */
    static ObjectNode check(Part part, Effort effort) {
        effort.add(part);
        switch (part.type()) {
            case "Sequence" -> {
                ArrayNode all = part.copy().putArray("pretokenizers");
                part.parts("pretokenizers").forEach(inner -> all.add(check(inner, effort)));
            }
            case "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts" -> {}
            case "FixedLength" -> {
                if (part.has("length")) {
                    part.number("length", Integer.MAX_VALUE);
                    if (part.copy().path("length").intValue() == 0) {
                        throw part.bad("length is 0");
                    }
                }
            }
            case "Digits" -> part.flag("individual_digits");
            case "CharDelimiterSplit" -> part.character("delimiter");
            case "Punctuation" -> {
                if (part.has("behavior")) {
                    part.oneOf("behavior", BEHAVIORS);
                }
            }
            case "ByteLevel" -> {
                boolean prefix = part.flag("add_prefix_space");
                part.flag("trim_offsets");
                part.flagIfPresent("use_regex");
                effort.grow(prefix ? 4 : 2, part);
                effort.scan(1);
            }
            case "Metaspace" -> metaspace(part, effort);
            case "Split" -> split(part, effort);
            default -> throw part.bad("kvscale does not know this type of pre-tokenizer");
        }
        return part.copy();
    }

    private static void metaspace(Part part, Effort effort) {
        String replacement = part.character("replacement");
        part.flagIfPresent("add_prefix_space");
        part.flagIfPresent("split");
        if (part.has("prepend_scheme")) {
            part.oneOf("prepend_scheme", List.of("first", "never", "always"));
        }
        effort.grow(5, part); // four bytes replace a space, or come before a piece of one byte
        effort.inserts(replacement);
    }

    private static void split(Part part, Effort effort) {
        boolean regex = part.isRegex("pattern");
        String pattern = part.pattern("pattern", regex ? Regex.MAX_LENGTH : Part.MAX_STRING);
        part.oneOf("behavior", BEHAVIORS);
        part.flag("invert");
        if (regex) {
            Regex.check(pattern, part, effort);
        }
    }
}
