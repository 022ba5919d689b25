package io.kvscale.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/** Changes a tokenizer.json at random: fields, types, values, parts, regular expressions, character maps. */
final class TokenizerMutation {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "7",
            "100",
            "255",
            "65536",
            "2147483647",
            "2147483648",
            "4294967295",
            "4294967296",
            "18446744073709551616",
            "1e308",
            "-1e308",
            "0.5",
            "1e-320",
            "''",
            "' '",
            "'a'",
            "'l'",
            "'\\u0000'",
            "'\u00e9'",
            "'\u2581'",
            "'\ud83d\ude00'",
            "'$A'",
            "'##'",
            "'\u0301'",
            "[]",
            "{}",
            "[[]]",
            "['a', 'b']",
            "[0, 0]");

    private static final List<String> TYPES = List.of(
            "Sequence",
            "NFC",
            "NFD",
            "NFKC",
            "NFKD",
            "Lowercase",
            "StripAccents",
            "Nmt",
            "Strip",
            "BertNormalizer",
            "Bert",
            "ByteLevel",
            "Precompiled",
            "Prepend",
            "Replace",
            "BertPreTokenizer",
            "Whitespace",
            "WhitespaceSplit",
            "UnicodeScripts",
            "Digits",
            "CharDelimiterSplit",
            "Punctuation",
            "Metaspace",
            "Split",
            "FixedLength",
            "TemplateProcessing",
            "BertProcessing",
            "RobertaProcessing",
            "BPE",
            "Unigram",
            "WordPiece",
            "WordLevel",
            "Nope");

    private static final List<String> NORMALIZERS = List.of(
            "{'type': 'NFC'}",
            "{'type': 'NFD'}",
            "{'type': 'NFKC'}",
            "{'type': 'NFKD'}",
            "{'type': 'Lowercase'}",
            "{'type': 'StripAccents'}",
            "{'type': 'Nmt'}",
            "{'type': 'ByteLevel'}",
            "{'type': 'Strip', 'strip_left': true, 'strip_right': true}",
            "{'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true, 'strip_accents': true, 'lowercase': true}",
            "{'type': 'Prepend', 'prepend': '\u2581'}",
            "{'type': 'Prepend', 'prepend': ''}",
            "{'type': 'Precompiled', 'precompiled_charsmap': 'AAAAAP////8='}",
            "{'type': 'Precompiled', 'precompiled_charsmap': null}",
            "{'type': 'Precompiled', 'precompiled_charsmap': ''}");

    private static final List<String> PRE_TOKENIZERS = List.of(
            "{'type': 'BertPreTokenizer'}",
            "{'type': 'Whitespace'}",
            "{'type': 'WhitespaceSplit'}",
            "{'type': 'UnicodeScripts'}",
            "{'type': 'Digits', 'individual_digits': true}",
            "{'type': 'CharDelimiterSplit', 'delimiter': ' '}",
            "{'type': 'Punctuation', 'behavior': 'Contiguous'}",
            "{'type': 'FixedLength', 'length': 0}",
            "{'type': 'Metaspace', 'replacement': '\ud83d\ude00', 'prepend_scheme': 'first', 'split': false}",
            "{'type': 'Metaspace', 'replacement': ' ', 'add_prefix_space': true}",
            "{'type': 'ByteLevel', 'add_prefix_space': true, 'trim_offsets': true, 'use_regex': true}");

    private static final List<String> POST_PROCESSORS = List.of(
            "{'type': 'ByteLevel', 'add_prefix_space': true, 'trim_offsets': true}",
            "{'type': 'BertProcessing', 'sep': ['a', 1], 'cls': ['b', 0]}",
            "{'type': 'RobertaProcessing', 'sep': ['a', 1], 'cls': ['b', 0], 'trim_offsets': true, 'add_prefix_space': true}",
            "{'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': 'x', 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 0}}], 'pair': [], 'special_tokens': {}}",
            "{'type': 'TemplateProcessing', 'single': [{'Sequence': {'id': 'A', 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [], 'special_tokens': {}}",
            "{'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': 'x', 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [], 'special_tokens': {'x': {'id': 'x', 'ids': [0, 1], 'tokens': ['x']}}}");

    private static final String[] ATOMS = {
        "a",
        "l",
        " ",
        ".",
        "\\\\s",
        "\\\\S",
        "\\\\d",
        "\\\\p{L}",
        "\\\\p{N}",
        "\\\\P{L}",
        "[ab]",
        "[^\\\\s\\\\p{L}]",
        "[\\\\r\\\\n]",
        "\\\\w",
        "[a-z&&[^l]]",
        "(?:a|l)",
        "(a)",
        "(?i:'s|'t)",
        "(?!\\\\S)",
        "(?=l)",
        "(?<=a)",
        "(?<!a)",
        "^",
        "$",
        "\\\\b",
        "\\\\1",
        "(?>a)",
        "(?:\\\\d{3})",
        "(?=(\\\\d{3})+(?!\\\\d))",
        "\\\\s+(?!\\\\S)",
        "[A-Z]*[a-z]+",
        "(a|a)",
        "(",
        ")",
        "[",
        "\\\\K",
        "(?~a)",
        "\u4e2d"
    };
    private static final String[] TIMES = {
        "", "", "", "?", "*", "+", "+", "{2,}", "{1,3}", "{0,1000}", "{1,3}+", "++", "*+", "+?", "{100000}"
    };

    private final ObjectNode file;
    private final Random random;

    private TokenizerMutation(ObjectNode file, Random random) {
        this.file = file;
        this.random = random;
    }

    static ObjectNode of(ObjectNode base, long seed) {
        TokenizerMutation mutation = new TokenizerMutation(base.deepCopy(), new Random(seed * 0x9E3779B97F4A7C15L));
        mutation.random.nextInt();
        for (int i = mutation.random.nextInt(3) * mutation.random.nextInt(3); i >= 0; i--) {
            mutation.mutate();
        }
        return mutation.file;
    }

    private void mutate() {
        switch (random.nextInt(16)) {
            case 0, 1 -> insert("normalizer", "normalizers", normalizer());
            case 2, 3 -> insert("pre_tokenizer", "pretokenizers", preTokenizer());
            case 4 -> insert("post_processor", "processors", TokenizerFiles.json(pick(POST_PROCESSORS)));
            case 5 -> flipCharsmap();
            case 6 -> addedToken();
            case 7 -> model();
            case 8, 9 -> splice();
            default -> change();
        }
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private JsonNode normalizer() {
        return random.nextBoolean() ? TokenizerFiles.json(pick(NORMALIZERS)) : replace();
    }

    private JsonNode replace() {
        return NODES.objectNode()
                .put("type", "Replace")
                .put(
                        "content",
                        random.nextInt(4) == 0
                                ? "l".repeat(1 << random.nextInt(11))
                                : pick(List.of("", " ", "a", "1", "\u2581", "\u0301")))
                .set("pattern", pattern());
    }

    private ObjectNode pattern() {
        return random.nextInt(3) == 0
                ? NODES.objectNode().put("String", pick(List.of("", " ", "a", "l", "\u00e9", "the", "1")))
                : NODES.objectNode().put("Regex", regex());
    }

    private String regex() {
        StringBuilder regex = new StringBuilder();
        for (int i = random.nextInt(5); i >= 0; i--) {
            regex.append(ATOMS[random.nextInt(ATOMS.length)].replace("\\\\", "\\"))
                    .append(TIMES[random.nextInt(TIMES.length)]);
            regex.append(random.nextInt(4) == 0 ? "|" : "");
        }
        return random.nextInt(8) == 0 ? "(" + regex + ")*" : regex.toString();
    }

    private JsonNode preTokenizer() {
        return random.nextBoolean()
                ? TokenizerFiles.json(pick(PRE_TOKENIZERS))
                : NODES.objectNode()
                        .put("type", "Split")
                        .put(
                                "behavior",
                                pick(List.of(
                                        "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")))
                        .put("invert", random.nextBoolean())
                        .set("pattern", pattern());
    }

    /** Puts a part alone, before, or after what is there. */
    private void insert(String field, String list, JsonNode part) {
        JsonNode there = file.path(field);
        if (random.nextInt(4) == 0 || there.isMissingNode()) {
            file.set(field, part);
            return;
        }
        ArrayNode all = NODES.arrayNode();
        if (random.nextBoolean()) {
            all.add(part).add(there);
        } else {
            all.add(there).add(part);
        }
        file.putObject(field).put("type", "Sequence").set(list, all);
    }

    /** Inserts into a regular expression of the file. */
    private void splice() {
        for (JsonNode part : file.findParents("Regex")) {
            String regex = part.path("Regex").asText();
            int at = random.nextInt(regex.length() + 1);
            int to = random.nextBoolean() ? at : Math.min(regex.length(), at + random.nextInt(20));
            ((ObjectNode) part).put("Regex", regex.substring(0, at) + regex() + regex.substring(to));
        }
    }

    private void flipCharsmap() {
        for (JsonNode part : file.findParents("precompiled_charsmap")) {
            try {
                byte[] map = Base64.getDecoder()
                        .decode(part.path("precompiled_charsmap").asText());
                for (int i = random.nextInt(6); i >= 0 && map.length > 0; i--) {
                    int at = random.nextInt(random.nextBoolean() ? map.length : Math.min(map.length, 2100));
                    map[at] ^= (byte) (1 << random.nextInt(8));
                }
                int length = random.nextInt(6) == 0 ? random.nextInt(map.length + 1) : map.length;
                ((ObjectNode) part)
                        .put(
                                "precompiled_charsmap",
                                Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(map, length)));
            } catch (IllegalArgumentException e) {
                ((ObjectNode) part).put("precompiled_charsmap", "=");
            }
        }
    }

    private void addedToken() {
        ArrayNode tokens = file.path("added_tokens") instanceof ArrayNode array ? array : file.putArray("added_tokens");
        tokens.addObject()
                .put("id", random.nextInt(600) - 20)
                .put(
                        "content",
                        pick(List.of(
                                "",
                                " ",
                                "a",
                                "the",
                                "\u0301",
                                "\u00e9",
                                "l",
                                "\u200b",
                                "<s>",
                                "e\u0301",
                                "\ud83d\ude00",
                                "\u0007")))
                .put("single_word", random.nextBoolean())
                .put("lstrip", random.nextBoolean())
                .put("rstrip", random.nextBoolean())
                .put("normalized", random.nextBoolean())
                .put("special", random.nextBoolean());
    }

    private void model() {
        ObjectNode model = file.path("model") instanceof ObjectNode object ? object : file.putObject("model");
        String field = pick(List.of(
                "type",
                "vocab",
                "merges",
                "unk_token",
                "unk_id",
                "dropout",
                "continuing_subword_prefix",
                "end_of_word_suffix",
                "fuse_unk",
                "byte_fallback",
                "ignore_merges",
                "max_input_chars_per_word"));
        if (model.path("vocab") instanceof ObjectNode vocabulary && random.nextInt(3) == 0) {
            vocabulary.set(pick(List.of("", "a", "\u00e9", "zz", "<0x61>", "##")), TokenizerFiles.json(pick(VALUES)));
        } else if (model.path("vocab") instanceof ArrayNode vocabulary && random.nextInt(3) == 0) {
            vocabulary
                    .addArray()
                    .add(pick(List.of("", "a", "\u00e9", "zz", "a".repeat(300))))
                    .add(TokenizerFiles.json(pick(VALUES)));
        } else if (model.path("merges") instanceof ArrayNode merges && random.nextInt(3) == 0) {
            merges.add(TokenizerFiles.json(
                    pick(List.of("['', 'a']", "['a', '']", "'a a'", "['a', 'a', 'a']", "['\u00e9', 'a']", "'a'"))));
        } else {
            model.set(field, TokenizerFiles.json(pick(VALUES)));
        }
    }

    private void change() {
        List<JsonNode> containers = new ArrayList<>();
        collect(file, containers);
        JsonNode container = pick(containers);
        if (container instanceof ObjectNode object && !object.isEmpty()) {
            List<String> names = new ArrayList<>();
            object.fieldNames().forEachRemaining(names::add);
            String name = pick(names);
            if (name.equals("type") && random.nextBoolean()) {
                object.put("type", pick(TYPES));
            } else {
                switch (random.nextInt(5)) {
                    case 0 -> object.remove(name);
                    case 3 -> {
                        String other = pick(names);
                        JsonNode value = object.get(name);
                        object.set(name, object.get(other));
                        object.set(other, value);
                    }
                    case 1 -> object.set(name, pick(containers).deepCopy());
                    case 2 -> object.set(pick(names), object.get(name).deepCopy());
                    default -> object.set(name, TokenizerFiles.json(pick(VALUES)));
                }
            }
        } else if (container instanceof ArrayNode array && !array.isEmpty()) {
            int at = random.nextInt(array.size());
            switch (random.nextInt(4)) {
                case 0 -> array.remove(at);
                case 1 ->
                    array.insert(at, array.get(random.nextInt(array.size())).deepCopy());
                case 2 -> array.set(at, pick(containers).deepCopy());
                default -> array.set(at, TokenizerFiles.json(pick(VALUES)));
            }
        }
    }

    /** Objects and lists; of long ones such as a vocabulary only the first entries. */
    private static void collect(JsonNode node, List<JsonNode> to) {
        if (node.isContainerNode()) {
            to.add(node);
            int count = 0;
            for (JsonNode inner : node) {
                if (count++ < 40) {
                    collect(inner, to);
                }
            }
        }
    }
}
